/** The configuration of a new rig. */
export const template = `# Configuration of this rig. Changes are applied on save, all or none. An invalid file changes nothing.
# Reference: docs/guide/rig.md. To validate it: fastn-net rig run --check

# network = "internet"                      # or lan, loopback
# relays = ["https://relay.example.com"]    # instead of the public ones

# Health and metrics on http://127.0.0.1:9464/health and /metrics
# [health]
# port = 9464

# A local web server, for members of a group of the account.
# [services.web]
# kind = "http"
# target = 8080
# allow = ["friends"]

# A peer's database, on a local port.
# [services.database]
# kind = "tcp-bridge"
# peer = "ID52"
# service = "database"
# port = 5432
`
