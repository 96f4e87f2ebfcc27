#!/bin/sh
# Kept by berth apply. Builds and deploys what is pushed; a build or a deploy that fails refuses the push.
exec /opt/berth/node/bin/node /opt/berth/code/provisioning/push/hook.ts {{app}} {{branch}} {{path}}
