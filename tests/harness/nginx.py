"""nginx from Debian as a protected upstream: static files, uploads by PUT, and what it saw."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from tests.harness.processes import LOOPBACK, Process, free_port

_CONFIG: Final = """\
daemon off;
user root;
worker_processes 1;
pid {place}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 512; }}
http {{
  access_log off;
  client_body_temp_path {place}/body;
  proxy_temp_path {place}/proxy;
  fastcgi_temp_path {place}/fastcgi;
  uwsgi_temp_path {place}/uwsgi;
  scgi_temp_path {place}/scgi;
  client_max_body_size 0;
  keepalive_requests 100000;
  default_type application/octet-stream;
  server {{
    listen {host}:{port};
    root {place}/files;
    location / {{ return 200 "nginx saw $request_method $request_uri\\n"; }}
    location /files/ {{ alias {place}/files/; dav_methods PUT DELETE; gzip off; }}
    location /moved {{ return 301 /elsewhere; }}
    location /empty {{ return 204; }}
  }}
}}
"""


class Nginx:
    """One nginx process in a directory of its own."""

    def __init__(self, directory: Path) -> None:
        program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin")
        assert program is not None, "nginx is needed: apt-get install nginx-light"
        self.files = directory / "files"
        self.files.mkdir(parents=True)
        self.port = free_port()
        config = directory / "nginx.conf"
        config.write_text(_CONFIG.format(place=directory, host=LOOPBACK, port=self.port))
        argv = [program, "-p", str(directory), "-c", str(config)]
        self.process = Process(argv, directory, name="nginx").ready(self.port)

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"
