/** nginx.conf of an installation. It is the same for its whole life: hosts are in the map, states are in page files. */

import { languages, largestBodyMb } from "./page-words.ts"

export interface NginxSettings {
  readonly folder: string
  readonly httpPort: number
  /** The host under which the master is shown. */
  readonly masterHost: string
  readonly masterUpstream: string
  /** Addresses and networks whose word on a visitor's address and scheme is taken. */
  readonly trustedProxies: readonly string[]
  /** Visitors come by https: their browsers are to show no cookie to anything else. */
  readonly secureCookies: boolean
  /** The user of the workers where nginx is started by root. */
  readonly user: string | null
  /** Whether this machine has IPv6 at all. */
  readonly ipv6: boolean
}

/** Each location that has pages of its own needs all of them. */
const pages = `error_page 404 /.saas/unknown.html;
      error_page 413 /.saas/too-large.html;
      error_page 429 /.saas/too-many.html;
      error_page 504 =503 /.saas/$saas_absence.$saas_form;
      error_page 503 /.saas/$saas_closed;`

export function nginxConfig(settings: NginxSettings): string {
  const { folder, httpPort, masterHost, masterUpstream, trustedProxies, secureCookies, user, ipv6 } = settings
  const each = (line: (proxy: string) => string) => trustedProxies.map(line).join("\n    ")
  return `${user === null ? "" : `user ${user};\n`}daemon on;
pid ${folder}/nginx.pid;
error_log ${folder}/logs/error.log warn;
worker_processes 2;
# Old workers finish what they have begun after each reload, reports and imports too; websockets not for ever.
worker_shutdown_timeout 120s;
events { worker_connections 4096; }
http {
  types { text/html html; text/plain txt; text/xml xml; application/json json; }
  default_type text/html;
  charset utf-8;
  log_format saas '$remote_addr [$time_iso8601] $host "$request_method $uri" $status $body_bytes_sent $request_time';
  access_log ${folder}/logs/access.log saas;
  client_body_temp_path ${folder}/tmp/body;
  proxy_temp_path ${folder}/tmp/proxy;
  fastcgi_temp_path ${folder}/tmp/fastcgi;
  uwsgi_temp_path ${folder}/tmp/uwsgi;
  scgi_temp_path ${folder}/tmp/scgi;
  server_tokens off;
  sendfile on;
  tcp_nopush on;
  gzip on;
  gzip_proxied any;
  gzip_min_length 1024;
  gzip_types text/css application/javascript application/json image/svg+xml text/xml;
  client_max_body_size ${largestBodyMb}m;
  keepalive_timeout 65s;

  # The defaults fail at some two hundred long host names.
  map_hash_max_size 262144;
  map_hash_bucket_size 512;
  server_names_hash_bucket_size 512;
  map $host $saas_upstream {
    default "";
    "${masterHost}" "${masterUpstream}";
    include ${folder}/hosts.map;
  }
  # The port that people use; "bad" where the header names another host than the one that was matched (a request may
  # name a second one in its first line), or anything that is no name of a host with a port.
  map "$host $http_host" $saas_port { default bad; "~*^(?<saas_name>\\S+) \\k<saas_name>\\.?(?<saas_number>:[0-9]{1,5})?$" $saas_number; }
  # A browser says which page has asked for a websocket, and sends the cookies of the host to whoever asks.
  map "$http_upgrade $host$saas_port $http_origin" $saas_foreign {
    default no;
    "~*^websocket (?<saas_own>\\S+?)(:80|:443)? (https?://\\k<saas_own>(:80|:443)?)?$" no;
    "~*^websocket " yes;
  }
  map $saas_upstream $saas_address { default ""; "~^(?<address>[0-9.]+):" $address; }
  map $http_upgrade $saas_connection { default ""; "websocket" "upgrade"; }
  # What the tenant says itself comes first.
  map $upstream_http_x_content_type_options $saas_nosniff { "" nosniff; default ""; }
  map $upstream_http_x_frame_options $saas_frame_options { "" "SAMEORIGIN"; default ""; }
  map $upstream_http_content_security_policy $saas_frames { "" $saas_frame_options; default ""; }

  # A proxy in front may say who visits and by which scheme; what anybody else says of it counts for nothing.
  ${trustedProxies.length === 0 ? "" : "real_ip_header X-Forwarded-For;\n  real_ip_recursive on;"}
    ${each((proxy) => `set_real_ip_from ${proxy};`)}
  geo $realip_remote_addr $saas_trusted {
    default no;
    ${each((proxy) => `${proxy} yes;`)}
  }
  map "$saas_trusted:$http_x_forwarded_proto" $saas_scheme { default $scheme; "yes:https" https; "yes:http" http; }

  # The first of the visitor's languages that our pages speak.
  map "$cookie_frontend_lang,$http_accept_language" $saas_language { default ${languages[0]}; "~(?:^|,) *(?<language>${languages.join("|")})(?:[-_;, ]|$)" $language; }
  # How whoever asks can read what is said in place of an Odoo (absence.ts). A browser says that it takes a page, as do
  # those who say nothing at all.
  map "$request_uri|$content_type|$http_accept" $saas_form {
    default txt;
    "~^/+xmlrpc/" xml;
    "~^/+json(rpc|/)" json;
    "~[|].*text/html" html;
    "~[|][|]$" html;
  }
  map $saas_upstream $saas_absence { default starting; "${masterUpstream}" away; }
  # A tenant that is closed has a page of its own; a program cannot read it.
  map $saas_form $saas_closed { default closed.$saas_form; html $saas_address.html; }
  map $status $saas_retry { default ""; 503 5; }
  map $request_method $saas_reads { default no; GET yes; HEAD yes; }

  # Attempts to sign in, by the address they come from; an empty key is not counted.
  map "$request_method:$uri" $saas_sign_in { default ""; "~*^POST:(/[a-z][a-z](_[a-z]+)?)?/web/(login|session/authenticate)" $binary_remote_addr; "~*^POST:/saas/sign-on" $binary_remote_addr; }
  limit_req_zone $saas_sign_in zone=sign_in:10m rate=20r/m;
  limit_req_status 429;

  proxy_http_version 1.1;
  # The host that was matched, whatever else the visitor calls it: links and redirects are made of it.
  proxy_set_header Host $host$saas_port;
  proxy_set_header X-Forwarded-Host $host$saas_port;
  proxy_set_header X-Forwarded-For $remote_addr;
  proxy_set_header X-Forwarded-Proto $saas_scheme;
  proxy_set_header X-Real-IP $remote_addr;
  proxy_set_header Upgrade $http_upgrade;
  proxy_set_header Connection $saas_connection;
  proxy_connect_timeout 30s;
  proxy_read_timeout 720s;
  proxy_send_timeout 720s;
  proxy_redirect off;
  ${secureCookies ? "proxy_cookie_flags ~ secure;" : ""}
  proxy_next_upstream off;

  server {
    listen ${httpPort} default_server;
    ${ipv6 ? `listen [::]:${httpPort} default_server ipv6only=on;` : ""}
    server_name _;
    merge_slashes on;
    if ($saas_port = bad) { return 400 "This is no request for one host. Write the address as it is, and nothing else.\\n"; }
    if ($saas_foreign = yes) { return 403 "Another site may not listen here.\\n"; }
    add_header X-Content-Type-Options $saas_nosniff always;
    add_header Referrer-Policy strict-origin-when-cross-origin always;
    add_header X-Frame-Options $saas_frames always;

    # Not named locations: those keep the method, and a page refuses every POST.
    ${pages}
    error_page 502 =503 /.saas/$saas_absence.$saas_form;
    error_page 599 =503 /.saas/interrupted.$saas_form;
    recursive_error_pages on;
    location ^~ /.saas/ { internal; alias ${folder}/pages/; ssi on; add_header Cache-Control no-store always; add_header Retry-After $saas_retry always; add_header X-Content-Type-Options nosniff always; }

    # The database manager, whatever is written around it.
    location ~* ^/web/database(/|$) { return 404 "There is nothing here.\n"; }

    # Open tabs reconnect for ever: while there is a page in place of the tenant they get no more than its status.
    location ~ ^/(websocket|longpolling|web/webclient/version_info) {
      if ($saas_upstream = "") { return 404; }
      if (-f ${folder}/pages/$saas_address.html) { return 503 "Not now.\n"; }
      proxy_pass http://$saas_upstream;
    }
    location / {
      if ($saas_upstream = "") { return 404; }
      if (-f ${folder}/pages/$saas_address.html) { return 503; }
      limit_req zone=sign_in burst=10 nodelay;
      ${pages}
      error_page 502 = @again;
      proxy_pass http://$saas_upstream;
    }

    # It died while it answered. Who only reads can ask its next process; what changes something is not done twice.
    location @again {
      if (-f ${folder}/pages/$saas_address.html) { return 503; }
      if ($saas_reads = no) { return 599; }
      proxy_pass http://$saas_upstream;
    }
  }

  # Tells the sidecar which map is served; nobody else can open this socket.
  server {
    listen unix:${folder}/router.sock;
    access_log off;
    location / { default_type text/plain; return 200 $saas_upstream; }
  }
}
`
}
