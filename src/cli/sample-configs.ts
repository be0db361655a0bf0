/** The manual's templates (8.3.2.1, 8.3.3.1); lines that need files of the user's own are commented out. */

export const MASTER_SAMPLE = `name = "dm-master"

# log configuration
log-level = "info"
log-file = "dm-master.log"

# DM-master listening address
master-addr = ":8261"
advertise-addr = "127.0.0.1:8261"

# URLs for peer traffic
peer-urls = "http://127.0.0.1:8291"
advertise-peer-urls = "http://127.0.0.1:8291"

# cluster configuration
initial-cluster = "dm-master=http://127.0.0.1:8291"
# initial-cluster = "master1=http://127.0.0.1:8291,master2=http://127.0.0.1:8292,master3=http://127.0.0.1:8293"
join = ""

# where the state is kept
# data-dir = "default.dm-master"

# your own NATS (with JetStream) instead of one that dm-master runs
# nats-url = ["127.0.0.1:4222"]

# ssl-ca = "/path/to/ca.pem"
# ssl-cert = "/path/to/cert.pem"
# ssl-key = "/path/to/key.pem"
# cert-allowed-cn = ["dm"]

# key of encrypted passwords: a file with 64 hexadecimal digits
# secret-key-path = "/path/to/secret/key"
`;

export const WORKER_SAMPLE = `# Worker Configuration.
name = "worker1"

# Log configuration.
log-level = "info"
log-file = "dm-worker.log"

# DM-worker listen address.
worker-addr = ":8262"
advertise-addr = "127.0.0.1:8262"
join = "http://127.0.0.1:8261,http://127.0.0.1:8361,http://127.0.0.1:8461"

keepalive-ttl = 60
relay-keepalive-ttl = 1800 # New in DM v2.0.2.

# folder that dump files go to
# data-dir = "."

# ssl-ca = "/path/to/ca.pem"
# ssl-cert = "/path/to/cert.pem"
# ssl-key = "/path/to/key.pem"
# cert-allowed-cn = ["dm"]
`;
