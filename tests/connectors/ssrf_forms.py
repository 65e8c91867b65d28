"""Ways of writing an address that must never be asked, by what they lead to; and names that lead to such addresses.

Nothing here is ever looked up or connected to: the tests stand in for the resolver and for the network.
"""

from __future__ import annotations

LOOPBACK = (
    "http://127.0.0.1/", "https://127.0.0.1/", "http://127.0.0.1:80/", "http://127.0.0.1:22/", "http://127.0.0.1:6379/",
    "http://127.0.0.1:65535/", "http://127.127.127.127/", "http://127.255.255.254/", "http://0.0.0.0/",
    "http://0.0.0.0:8080/", "http://0.1.2.3/", "HTTP://127.0.0.1/", "hTTps://127.0.0.1/", " http://127.0.0.1/ ",
    "http://127.0.0.1?a=b", "http://127.0.0.1#public.example", "http://127.0.0.1/../public.example",
    "http://127.0.0.1:080/", "http://127.0.0.1:/",
)  # fmt: skip
SHORT_NUMBERS = (
    "http://127.1/", "http://127.0.1/", "http://127.65535/", "http://0/", "http://00/", "http://1/", "http://2130706433/",
    "http://2130706433:80/", "http://3232235521/", "http://167772161/", "http://2852039166/", "http://4294967295/",
    "http://10.1/", "http://192.168.257/", "http://172.1048577/", "http://169.16689662/",
)  # fmt: skip
OCTAL = (
    "http://0177.0.0.1/", "http://0177.1/", "http://017700000001/", "http://00000177.0.0.1/", "http://0177.00.00.01/",
    "http://0251.0376.0251.0376/", "http://012.0.0.1/", "http://0300.0250.0.1/", "http://0254.020.0.1/",
    "http://025177524776/", "http://127.0.0.01/", "http://010.0.0.1/",
)  # fmt: skip
HEXADECIMAL = (
    "http://0x7f.0.0.1/", "http://0x7f.1/", "http://0x7f000001/", "http://0X7F000001/", "http://0x7F.0x0.0x0.0x1/",
    "http://0xa9fea9fe/", "http://0xa9.0xfe.0xa9.0xfe/", "http://0x0a000001/", "http://0xc0a80001/", "http://0xac100001/",
    "http://0x/", "http://0x0/", "http://0xffffffff/", "http://0x100000000/", "http://0x7f.0.1/", "http://0251.254.0xa9fe/",
)  # fmt: skip
PRIVATE = (
    "http://10.0.0.1/", "http://10.255.255.255/", "http://172.16.0.1/", "http://172.31.255.255/", "http://192.168.0.1/",
    "http://192.168.1.1:8443/", "http://192.168.255.255/", "http://100.64.0.1/", "http://100.127.255.254/",
    "https://10.0.0.1:10250/pods",
)  # fmt: skip
METADATA = (
    "http://169.254.169.254/", "http://169.254.169.254/latest/meta-data/", "http://169.254.170.2/v2/credentials",
    "http://169.254.0.1/", "http://169.254.255.255/", "http://100.100.100.200/latest/meta-data/", "http://192.0.0.192/",
    "http://[fd00:ec2::254]/latest/meta-data/", "http://[fd20:ce::254]/", "http://[::ffff:169.254.169.254]/",
    "http://[::ffff:a9fe:a9fe]/", "http://169.254.169.254./",
)  # fmt: skip
RESERVED = (
    "http://192.0.0.1/", "http://192.0.0.8/", "http://192.0.0.170/", "http://192.0.2.1/", "http://198.18.0.1/",
    "http://198.19.255.255/", "http://198.51.100.1/", "http://203.0.113.1/", "http://192.88.99.1/", "http://240.0.0.1/",
    "http://247.1.2.3/", "http://254.255.255.255/", "http://255.255.255.255/",
)  # fmt: skip
MULTICAST = (
    "http://224.0.0.1/", "http://224.0.0.251/", "http://239.1.2.3/", "http://239.255.255.250:1900/", "http://232.0.1.1/",
    "http://[ff02::1]/", "http://[ff02::fb]/", "http://[ff05::2]/", "http://[ff0e::1]/", "http://[ff01::1]/",
)  # fmt: skip
IPV6 = (
    "http://[::1]/", "http://[::1]:80/", "http://[::]/", "http://[0:0:0:0:0:0:0:1]/", "http://[0000::0001]/",
    "http://[0:0:0:0:0:0:0:0]/", "http://[::0001]/", "http://[fe80::1]/", "http://[febf::1]/", "http://[fec0::1]/",
    "http://[fc00::1]/", "http://[fd12:3456:789a::1]/", "http://[fdff:ffff::1]/", "http://[100::1]/", "http://[2001:db8::1]/",
    "http://[3fff::1]/", "http://[2001:2::1]/", "http://[2001:10::1]/", "http://[2001:20::1]/", "http://[5f00::1]/",
    "http://[4000::1]/", "http://[FE80::1]/", "http://[FD00::1]/",
)  # fmt: skip
SCOPED = (
    "http://[fe80::1%25eth0]/", "http://[fe80::1%25lo]/", "http://[fe80::1%eth0]/", "http://[fe80::1%1]/", "http://[::1%25lo]/",
    "http://[::1%250]/", "http://[2606:4700::1%25eth0]/", "http://[ff02::1%252]/",
)  # fmt: skip
IPV6_WITH_IPV4_INSIDE = (
    # mapped and compatible
    "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://[::FFFF:7F00:0001]/", "http://[0:0:0:0:0:ffff:127.0.0.1]/",
    "http://[::ffff:10.0.0.1]/", "http://[::ffff:192.168.0.1]/", "http://[::ffff:0:127.0.0.1]/", "http://[::127.0.0.1]/",
    "http://[::7f00:1]/", "http://[::ffff:8.8.8.8]/", "http://[::ffff:0.0.0.0]/",
    # NAT64
    "http://[64:ff9b::7f00:1]/", "http://[64:ff9b::127.0.0.1]/", "http://[64:ff9b::a9fe:a9fe]/",
    "http://[64:ff9b::10.0.0.1]/", "http://[64:ff9b:1::7f00:1]/", "http://[64:ff9b:1:ffff::192.168.0.1]/",
    # 6to4 and Teredo
    "http://[2002:7f00:1::]/", "http://[2002:7f00:0001::1]/", "http://[2002:a00:1::]/", "http://[2002:c0a8:1::]/",
    "http://[2002:a9fe:a9fe::]/", "http://[2002:808:808::]/", "http://[2001:0:7f00:1::]/", "http://[2001::1]/",
    "http://[2001:0:4136:e378:8000:63bf:80ff:fffe]/",
    # ISATAP under any prefix
    "http://[fe80::5efe:127.0.0.1]/", "http://[fe80::200:5efe:10.0.0.1]/", "http://[2600:1f18::5efe:127.0.0.1]/",
    "http://[2600:1f18::5efe:a00:1]/", "http://[2a00:1450:4009:80b:0:5efe:169.254.169.254]/",
    "http://[2a00:1450:4009:80b:200:5efe:192.168.0.1]/", "http://[2a00:1450::300:5efe:7f00:1]/",
)  # fmt: skip
USERINFO = (
    "http://public.example@127.0.0.1/", "http://public.example:80@127.0.0.1/", "http://user:pass@127.0.0.1/",
    "http://:@127.0.0.1/", "http://@127.0.0.1/", "http://public.example%40127.0.0.1/", "http://public.example%2f@127.0.0.1/",
    "http://public.example%23@127.0.0.1/", "http://public.example@[::1]/", "http://a@b@127.0.0.1/",
    "http://127.0.0.1%2f@public.example%23/", "http://public.example:pass@169.254.169.254/", "http://x:y@localhost/",
    "http://127.0.0.1%2523@127.0.0.1/", "http://user@[::ffff:127.0.0.1]:80/",
)  # fmt: skip
BACKSLASHES = (
    "http://127.0.0.1\\@public.example/", "http://public.example\\@127.0.0.1/", "http:\\\\127.0.0.1\\",
    "http:/\\127.0.0.1/", "http://127.0.0.1\\.public.example/", "http://127.0.0.1\\", "\\\\127.0.0.1\\",
    "http://public.example:80\\@127.0.0.1/", "http://public.example\\.127.0.0.1/", "/\\127.0.0.1/",
)  # fmt: skip
CONTROLS = (
    "http://localhost\t/", "http://127.0.0.1\t/", "http://127.0.\t0.1/", "http://127.0.0.1\n/", "http://127.0.0.1\r\n/",
    "h\nttp://127.0.0.1/", "ht\ttp://127.0.0.1/", "\x00http://127.0.0.1/", "http://127.0.0.1\x00/",
    "http://127.0.0.1\x00.public.example/", "http://public.example\x00@127.0.0.1/", "http://127.0.0.1\x0b/",
    "http://127.0.0.1\x7f/", "http://public.example\r\nHost: 127.0.0.1/", "http://\t127.0.0.1/",
    "http://public.example\n@127.0.0.1/",
)  # fmt: skip
UNICODE = (
    "http://①②⑦.⓪.⓪.①/", "http://１２７.０.０.１/", "http://127。0。0。1/", "http://127．0．0．1/", "http://127｡0｡0｡1/",
    "http://１２７。０。０。１/", "http://𝟏𝟐𝟕.𝟎.𝟎.𝟏/", "http://١٢٧.٠.٠.١/", "http://⑴⑵⑺.0.0.1/", "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/",
    "http://ｌｏｃａｌｈｏｓｔ/", "http://\u202e127.0.0.1/", "http://127.0.0.1\u200b/", "http://127\u00ad.0.0.1/",
    "http://\ufeff127.0.0.1/", "http://[::１]/", "http://0ｘ7f000001/", "http://ＬOCALHOST/",
    "http://127.0.0.1\uff0fpublic.example/", "http://public.example\uff0f@127.0.0.1/", "http://public.example\u2100127.0.0.1/",
)  # fmt: skip
IDNA = (
    "http://xn--/", "http://xn--a/", "http://xn--127-.0.0.1/", "http://xn--localhost-/", "http://-.127.0.0.1/",
    "http://xn--ls8h\u3002127.0.0.1/", "http://..127.0.0.1/", "http://127..0.0.1/", "http://.127.0.0.1/",
)  # fmt: skip
ENCODED = (
    "http://%31%32%37.0.0.1/", "http://127%2e0%2e0%2e1/", "http://%6c%6f%63%61%6c%68%6f%73%74/", "http://127.0.0.1%00/",
    "http://127.0.0.1%00.public.example/", "http://127.0.0.1%0d%0a/", "http://127.0.0.1%09/", "http://127.0.0.1%20/",
    "http://%5B::1%5D/", "http://%5b::1%5d/", "http://[%3a%3a1]/", "http://127.0.0.1%253a80/", "http://%40127.0.0.1/",
    "http://127.0.0.1%2fpublic.example/", "http://%00127.0.0.1/", "http://localhost%23.public.example/",
)  # fmt: skip
DOTS = (
    "http://127.0.0.1./", "http://127.0.0.1../", "http://127.1./", "http://2130706433./", "http://0x7f000001./",
    "http://0177.0.0.1./", "http://10.0.0.1./", "http://./", "http://../", "http://1.2.3.4.5/", "http://256.256.256.256/",
    "http://127.0.0.256/", "http://127.0.0.1.0/",
)  # fmt: skip
PORTS = (
    "http://127.0.0.1:99999/", "http://public.example:99999/", "http://public.example:port/", "http://public.example:-1/",
    "http://public.example:80:80/", "http://public.example:80@127.0.0.1:80/", "http://127.0.0.1:80.public.example/",
    "http://[::1]:99999/", "http://[::1]80/", "http://[::1]public.example/", "http://public.example: 80/",
)  # fmt: skip
SCHEMES = (
    "file:///etc/passwd", "file://localhost/etc/passwd", "file://127.0.0.1/c$/", "FILE:///etc/shadow",
    "file:/etc/passwd",
    "gopher://127.0.0.1:6379/_INFO", "ftp://127.0.0.1/", "ftps://127.0.0.1/", "sftp://127.0.0.1/", "tftp://127.0.0.1/x",
    "dict://127.0.0.1:11211/stat", "ldap://127.0.0.1/", "ldaps://127.0.0.1/", "data:text/plain,x",
    "data:text/html;base64,eA==",
    "jar:http://127.0.0.1!/x", "netdoc:///etc/passwd", "javascript:alert(1)", "vbscript:x", "mailto:a@127.0.0.1",
    "ws://127.0.0.1/", "wss://127.0.0.1/", "unix:///var/run/docker.sock", "http+unix://%2Fvar%2Frun%2Fdocker.sock/info",
    "smb://127.0.0.1/c$", "phar://x", "php://filter/resource=x", "expect://id", "view-source:http://127.0.0.1/",
    "blob:http://127.0.0.1/x", "about:blank", "ssh://127.0.0.1/", "telnet://127.0.0.1:25/", "imap://127.0.0.1/",
)  # fmt: skip
NO_ADDRESS = (
    "//127.0.0.1/", "///127.0.0.1/", "127.0.0.1", "127.0.0.1:80", "localhost", "/etc/passwd", "http:///path", "http://",
    "http:", "http:/127.0.0.1/", "http:127.0.0.1", "://127.0.0.1/", "http//127.0.0.1/", "", "   ", "http://[::1/",
    "http://::1]/", "http://[]/", "http://[127.0.0.1]/", "http://[v1.127]/", "http://::1/", "http://a b/", "http://?/",
    "http://#127.0.0.1/", "http://[::g]/", "http://<127.0.0.1>/", "http://{127.0.0.1}/", "http://127.0.0.1|public.example/",
    "http://\"127.0.0.1\"/", "http://$(127.0.0.1)/", "http://*/", "http://127.0.0.1^/", "http://127.0.0.1`/",
)  # fmt: skip

# Names and what the stand-in for the resolver answers for them; one address that is not public is enough.
NAMES: dict[str, tuple[str, ...]] = {
    "localhost": ("127.0.0.1",),
    "localhost.": ("127.0.0.1",),
    "localhost.localdomain": ("127.0.0.1",),
    "ip6-localhost": ("::1",),
    "hillcrest.localhost": ("::1", "127.0.0.1"),
    "loopback.example": ("127.0.0.1",),
    "zero.example": ("0.0.0.0",),
    "ten.example": ("10.1.2.3",),
    "seventeen.example": ("172.20.0.1",),
    "home.example": ("192.168.1.1",),
    "carrier.example": ("100.64.1.1",),
    "metadata.google.internal": ("169.254.169.254",),
    "link.example": ("169.254.1.1",),
    "six.example": ("::1",),
    "unique.example": ("fd00::1",),
    "local-six.example": ("fe80::1%2",),
    "mapped.example": ("::ffff:127.0.0.1",),
    "sixtofour.example": ("2002:7f00:1::",),
    "nat64.example": ("64:ff9b::7f00:1",),
    "isatap.example": ("2a00:1450::5efe:10.0.0.1",),
    "multicast.example": ("224.0.0.251",),
    "reserved.example": ("240.0.0.1",),
    "documentation.example": ("203.0.113.7",),
    "mixed.example": ("93.184.216.34", "10.0.0.1"),
    "mixed-last.example": ("93.184.216.34", "2606:2800:220:1::1", "::1"),
    "127.0.0.1.nip.example": ("127.0.0.1",),
    "intranet": ("10.0.0.5",),
    "printer.local": ("192.168.0.9",),
    "no-address.example": ("nothing",),
    "xn--bcher-kva.example": ("127.0.0.1",),
}
BY_NAME = tuple(form for name in NAMES for form in (f"http://{name}/", f"https://user@{name.upper()}:8443/feed?x=1"))

FORMS: dict[str, tuple[str, ...]] = {
    "loopback": LOOPBACK,
    "short numbers": SHORT_NUMBERS,
    "octal": OCTAL,
    "hexadecimal": HEXADECIMAL,
    "private": PRIVATE,
    "metadata": METADATA,
    "reserved": RESERVED,
    "multicast": MULTICAST,
    "IPv6": IPV6,
    "scope": SCOPED,
    "IPv4 in IPv6": IPV6_WITH_IPV4_INSIDE,
    "userinfo": USERINFO,
    "backslash": BACKSLASHES,
    "control characters": CONTROLS,
    "unicode": UNICODE,
    "IDNA": IDNA,
    "percent": ENCODED,
    "dots": DOTS,
    "port": PORTS,
    "scheme": SCHEMES,
    "no address": NO_ADDRESS,
    "name": BY_NAME,
}
