"""The holder: owns the listening sockets of the tenants on this machine and starts their Odoos.

    PYTHONPATH=… python3 -S -m holder --socket PATH --state DIR

A tenant keeps one address for life. Its listening socket is bound here and handed to each of its
processes as file descriptor 3 (the `LISTEN_FDS` convention), so while none of them runs, requests
wait in the kernel instead of being refused. The holder survives the one who gives it orders, and
its children survive it; a new holder finds them by pid and start time, takes a copy of their
listening sockets and goes on.

Orders come through a Unix socket that only the owner can open: one JSON object a line, one answer a
line, `{"ok": true, …}` or `{"ok": false, "error": code, "message": sentence}`:

    {"op": "ping"}                        -> version, pid
    {"op": "start", "tenant", "epoch", "address", "port", "argv", "env", "cwd", "uid", "gid",
     "cgroups", "nofile", "log", "temporary", "kept", "fork_server"}
                                          -> pid, started (field 22 of /proc/<pid>/stat), forked
    {"op": "warm", "name", "argv", "env", "log"}
                                          -> a fork server of that name is there in some seconds
    {"op": "list"}                        -> tenants: {id: {pid, started, running, exits, holding}},
                                             fork_servers: {name: {pid, ready}}
    {"op": "release", "tenant", "epoch"}  -> the socket is closed
    {"op": "end", "uid"}                  -> every process of that user is killed
    {"op": "missing"}                     -> missing: {"system_calls", "view"}, each null or why
    {"op": "watch"}                       -> then {"event": "exit", "tenant", "pid", "code"} a line

Where the fork server that a start names is ready, the process is forked from it and skips what it
has imported; otherwise the program is executed, and does the same more slowly.

Error codes: `bad_request`, `running`, `stale_epoch`, `in_use`, `failed`. A code of an exit is the
exit status, or minus the number of the signal that ended it; 255 where nobody can know it, because
an earlier holder was the parent. Times are seconds since 1970.

It is small, has no dependencies and may run as root: it drops every privilege before it executes
anything for a tenant, and believes nothing but what comes through its socket.
"""
