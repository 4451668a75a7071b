#!/bin/bash
# agent_clients.sh - the metadata service as the clients of Debian know it: ec2metadata, ec2-metadata, cloud-init's own reader of EC2. Unchanged, at the
# address that is built into them: in a network of its own, where that address is a loopback's.
if [ -z "${IN_NETWORK-}" ] && unshare -rn true 2>/dev/null; then
	# There is no way out from in there.
	"$(dirname "$0")/../lib/servers.sh" clients
	IN_NETWORK=1 exec unshare -rn "$0" "$@"
fi
. "$(dirname "$0")/../lib/e2e.sh"
. "$ROOT/tests/lib/documents.sh"
need_avow
PATH=$PATH:/usr/sbin:/sbin
if [ -z "${IN_NETWORK-}" ] || ! ip link set lo up 2>/dev/null ||
	! ip addr add 169.254.169.254/32 dev lo 2>/dev/null; then
	skip "no network of its own can be made"
	finish
fi
PYTHON=/usr/bin/python3
if [ ! -x "$SERVERS/usr/bin/ec2metadata" ] || [ ! -x "$PYTHON" ]; then
	skip "no clients of metadata services (tests/lib/servers.sh clients)"
	finish
fi

issuer acme
document web-1 web-1 "$(claims 10.0.0.5 base |
	sed 's/}$/,"zone":"north-1a","custom":{"hostname":"web-1.acme","instanceType":"small"}}/')" ||
	give_up "no document"
mkdir "$T/documents"
cp "$T/docs/web-1.json" "$T/documents/document.json"
cp "$T/docs/web-1.sig" "$T/documents/document.sig"
# Nobody answers at that address: what is told here needs no token.
cat >"$T/agent.yaml" <<-END
	instance: web-1
	state: $T/state
	service: {url: "http://127.0.0.1:9"}
	tokens: [updates]
	documents: {folder: $T/documents, keys: $T/etc/avow/trust/acme, issuer: acme}
	metadata: {listen: "169.254.169.254:80", reach: any}
END
start agent "$AVOW" agent --config "$T/agent.yaml"
wait_for_port agent 169.254.169.254 80 || give_up "the agent does not start"

say "ec2metadata (cloud-guest-utils):"
ec2metadata() {
	"$PYTHON" "$SERVERS/usr/bin/ec2metadata" "$@"
}
expect "--instance-id" "web-1" soon web-1 ec2metadata --instance-id
expect "--ami-id" "img-12" ec2metadata --ami-id
expect "--local-ipv4" "10.0.0.5" ec2metadata --local-ipv4
expect "--availability-zone" "north-1a" ec2metadata --availability-zone
expect "--local-hostname" "web-1.acme" ec2metadata --local-hostname
expect "what is not claimed" "unavailable" ec2metadata --public-ipv4
expect "all" "*instance-id: web-1*instance-type: small*" ec2metadata

say "ec2-metadata (amazon-ec2-utils):"
ec2_metadata() {
	bash "$SERVERS/usr/bin/ec2-metadata" "$@"
}
expect "-i" "instance-id: web-1" ec2_metadata -i
expect "-z" "placement: north-1a" ec2_metadata -z
expect "-d" "user-data: not available" ec2_metadata -d
expect "--all" "*ami-id: img-12*instance-type: small*local-ipv4: 10.0.0.5*" ec2_metadata --all

say "cloud-init's reader of EC2:"
cat >"$T/cloud.py" <<'END'
# All of cloud-init's own, but for the look at the firmware, which says whose machine this is.
import logging, sys
from cloudinit import helpers
from cloudinit.sources import DataSourceEc2 as ec2

logging.disable(logging.CRITICAL)

class Source(ec2.DataSourceEc2):
    def _get_cloud_name(self):
        return ec2.CloudNames.AWS

paths = helpers.Paths({"cloud_dir": sys.argv[1], "run_dir": sys.argv[1]})
source = Source({}, None, paths)
if not source.wait_for_metadata_service():
    sys.exit("no metadata service")
found = source.crawl_metadata()
meta = found["meta-data"]
print(meta["instance-id"], meta["ami-id"], meta["placement"]["availability-zone"],
      meta["local-hostname"], repr(found.get("user-data")))
END
cloud_init() {
	PYTHONPATH=$SERVERS/usr/lib/python3/dist-packages timeout 60 \
	    "$PYTHON" "$T/cloud.py" "$T/cloud"
}
expect "what it has crawled" "web-1 img-12 north-1a web-1.acme ''" cloud_init
finish
