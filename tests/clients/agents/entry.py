"""The entry of the clients that have command and arguments apart, as JSON."""


def tapped(entry, place, timeout_s):
    """The entry with the tap in front of the server, and with the time of a call in milliseconds."""
    command, *arguments = place.server()
    server = {**entry, "command": command, "args": arguments}
    if timeout_s:
        server["timeout"] = timeout_s * 1000
    return server
