"""Places by which another school of the same name is told apart: "Oakfield School, Ohio"."""

from __future__ import annotations

_NAMES = """
aberdeen, alabama, alaska, alberta, america, arizona, arkansas, auckland, australia, belfast, birmingham,
blackburn, blackpool, bolton, bournemouth, bradford, brighton, brisbane, bristol, british columbia, california,
cambridge, canada, cape town, cardiff, carlisle, chester, colorado, connecticut, coventry, croydon, delaware, delhi,
derby, doncaster, dubai, dublin, dundee, durham, edinburgh, exeter, florida, georgia, ghana, glasgow, gloucester,
hawaii, hong kong, idaho, illinois, india, indiana, iowa, ipswich, ireland, jamaica, kansas, kentucky, kenya,
lagos, lancaster, leeds, leicester, lincoln, liverpool, london, los angeles, louisiana, luton, maine, malta,
manchester, manitoba, maryland, massachusetts, melbourne, michigan, middlesbrough, milton keynes, minnesota,
mississippi, missouri, montana, mumbai, nairobi, nebraska, nevada, new hampshire, new jersey, new mexico, new south,
new york, new zealand, newcastle, nigeria, north carolina, north dakota, northampton, norwich, nottingham, nova
scotia, ohio, oklahoma, oldham, ontario, oregon, oxford, pakistan, pennsylvania, peterborough, plymouth,
portsmouth, preston, quebec, queensland, rhode island, rotherham, salford, san francisco, saskatchewan,
sheffield, south africa, south carolina, south dakota, southampton, southend, stockport, stoke, sunderland,
swansea, swindon, sydney, tasmania, tennessee, texas, toronto, usa, utah, vancouver, vermont, virginia, wakefield,
walsall, warrington, wellington, west virginia, wigan, wisconsin, wolverhampton, worcester, wyoming, york
"""
PLACES = frozenset(" ".join(name.split()) for name in _NAMES.split(","))
