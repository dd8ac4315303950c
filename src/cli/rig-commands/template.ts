/** The configuration of a new rig. */
export const template = `# Configuration of this rig. It is applied when it changes, as one: a wrong file changes nothing.
# docs/guide/rig.md explains it. fastn-net rig run --check checks it.

# network = "internet"                      # or lan, loopback
# relays = ["https://relay.example.com"]    # instead of the public ones

# Health and metrics on http://127.0.0.1:9464/health and /metrics
# [health]
# port = 9464

# A web server of this machine, for the members of a group of the account.
# [services.web]
# kind = "http"
# target = 8080
# allow = ["friends"]

# A database of a peer, on a port of this machine.
# [services.database]
# kind = "tcp-bridge"
# peer = "ID52"
# service = "database"
# port = 5432
`
