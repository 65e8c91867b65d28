"""A Misago forum for the live tests, run by Misago's own Python: `python misago_site.py PORT`, settings by environment.

Besides the forum it answers `POST /seed/` with a JSON object: `do` names one of the functions below, the rest are
its arguments. Everything goes through Misago's own models, and comes out through Misago's own API.
"""

from __future__ import annotations

import json
import os
import sys
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import django
from devproject import settings as shipped
from django.conf import settings

for _name in dir(shipped):
    if _name.isupper():
        locals()[_name] = getattr(shipped, _name)
settings.configure(
    **{
        **{name: getattr(shipped, name) for name in dir(shipped) if name.isupper()},
        "DEBUG": False,
        "DATABASES": {
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": "postgres",
                "USER": os.environ["SITE_DB_USER"],
                "HOST": "127.0.0.1",
                "PORT": int(os.environ["SITE_DB_PORT"]),
            }
        },
        "INSTALLED_APPS": [app for app in shipped.INSTALLED_APPS if app != "debug_toolbar"],
        "MIDDLEWARE": [one for one in shipped.MIDDLEWARE if "debug_toolbar" not in one],
        "MEDIA_ROOT": os.environ["SITE_MEDIA"],
        "CELERY_BROKER_URL": "memory://",
        "EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend",
        "ROOT_URLCONF": __name__,
    }
)
django.setup()

from devproject.urls import urlpatterns as _forum  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.http import JsonResponse  # noqa: E402
from django.urls import path  # noqa: E402
from django.utils import timezone  # noqa: E402
from django.views.decorators.csrf import csrf_exempt  # noqa: E402
from misago.categories.models import Category  # noqa: E402
from misago.threads.checksums import update_post_checksum  # noqa: E402
from misago.threads.models import Post, Thread  # noqa: E402
from misago.users.models import User  # noqa: E402


def thread(title: str, text: str, poster: str = "oak_parent") -> dict[str, int]:
    category = Category.objects.get(slug="first-category")
    now = timezone.now()
    made = Thread(
        category=category,
        started_on=now,
        last_post_on=now,
        starter_name="-",
        starter_slug="-",
        last_poster_name="-",
        last_poster_slug="-",
        replies=0,
    )
    made.set_title(title)
    made.save()
    post = _write(made, text, poster)
    made.synchronize()
    made.save()
    return {"thread": made.pk, "post": post.pk}


def reply(thread: int, text: str, poster: str = "ash_parent") -> dict[str, int]:
    found = Thread.objects.get(pk=thread)
    post = _write(found, text, poster)
    found.synchronize()
    found.save()
    return {"thread": found.pk, "post": post.pk}


def many(thread: int, texts: list[str]) -> dict[str, list[int]]:
    found = Thread.objects.get(pk=thread)
    posts = [_write(found, text, "ash_parent").pk for text in texts]
    found.synchronize()
    found.save()
    return {"posts": posts}


def edit(post: int, text: str) -> dict[str, int]:
    found = Post.objects.get(pk=post)
    found.original, found.parsed = text, f"<p>{text}</p>"
    found.updated_on, found.edits = timezone.now(), found.edits + 1
    update_post_checksum(found)
    found.save()
    return {"post": found.pk}


def hide(post: int) -> dict[str, int]:
    found = Post.objects.get(pk=post)
    found.is_hidden, found.hidden_on, found.hidden_by_name, found.hidden_by_slug = True, timezone.now(), "head", "head"
    found.save()
    found.thread.synchronize()
    found.thread.save()
    return {"post": found.pk}


def delete(post: int) -> dict[str, int]:
    found = Post.objects.get(pk=post)
    parent = found.thread
    found.delete()
    parent.synchronize()
    parent.save()
    return {"post": post}


def delete_thread(thread: int) -> dict[str, int]:
    Thread.objects.get(pk=thread).delete()
    return {"thread": thread}


def _write(parent: Thread, text: str, poster: str) -> Post:
    now = timezone.now()
    found = User.objects.filter(slug=poster.replace("_", "-")).first()
    post = Post.objects.create(
        category=parent.category,
        thread=parent,
        poster=found,
        poster_name=found.username if found else poster,
        original=text,
        parsed=f"<p>{text}</p>",
        posted_on=now,
        updated_on=now,
    )
    update_post_checksum(post)
    post.save()
    return post


_VERBS = {one.__name__: one for one in (thread, reply, many, edit, hide, delete, delete_thread)}


@csrf_exempt
def seed(request):
    asked = json.loads(request.body)
    return JsonResponse(_VERBS[asked.pop("do")](**asked))


urlpatterns = [path("seed/", seed), *_forum]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


if __name__ == "__main__":
    sys.modules["misago_site"] = sys.modules["__main__"]
    call_command("migrate", verbosity=0)
    User.objects.create_user("oak_parent", "oak@example.test", "not-a-secret-1")
    make_server("127.0.0.1", int(sys.argv[1]), get_wsgi_application(), _Server, _Quiet).serve_forever()
