"""nginx, where it is installed: as the upstream of whole answers, and as a reverse proxy to compare with."""

import getpass
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from loadtest.cases import ANSWER, ANSWER_ID
from loadtest.machine import descendants
from loadtest.processes import is_listening, run_process, wait_until

__all__ = ["answer_server", "has_nginx", "proxy_server", "run_nginx"]

_FRAME = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log; {user}
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000000; client_body_buffer_size 1m; client_max_body_size 20m;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  {content}
}}
"""


def has_nginx() -> bool:
    """Whether nginx is on the path."""
    return shutil.which("nginx") is not None


def answer_server(port: int) -> str:
    """An upstream that gives one whole answer to everything, and counts."""
    answer = ANSWER.decode().replace(ANSWER_ID, "chatcmpl-$request_id")
    return (
        f"server {{ listen 127.0.0.1:{port} backlog=1024; location = /served {{ stub_status; }}\n"
        f"location / {{ default_type application/json; return 200 '{answer}'; }} }}"
    )


def proxy_server(port: int, answer_port: int, stream_port: int) -> str:
    """A reverse proxy in front of both upstreams, which keeps connections and does not buffer streams."""
    upstreams = "".join(
        f"upstream {name} {{ server 127.0.0.1:{to}; keepalive 128; keepalive_requests 1000000000; }}\n"
        for name, to in (("answers", answer_port), ("streams", stream_port))
    )
    passing = 'proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off;'
    return (
        f"{upstreams}server {{ listen 127.0.0.1:{port} backlog=1024;\n"
        f"location /answer/ {{ proxy_pass http://answers; {passing} }}\n"
        f"location / {{ proxy_pass http://streams; {passing} }} }}"
    )


@contextmanager
def run_nginx(folder: Path, content: str, port: int) -> Iterator[tuple[int, ...]]:
    """Run nginx with this content of its `http` block; gives the ids of its worker processes."""
    folder.mkdir(parents=True)
    user = f"user {getpass.getuser()};" if os.geteuid() == 0 else ""
    config = folder / "nginx.conf"
    config.write_text(_FRAME.format(folder=folder, content=content, user=user))
    log = folder / "log"
    command = [shutil.which("nginx") or "nginx", "-c", str(config), "-e", str(log)]
    with run_process(command, log) as process:
        wait_until(lambda: is_listening(port), process, log)
        yield tuple(descendants(process.pid))
