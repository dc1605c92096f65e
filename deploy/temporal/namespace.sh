#!/bin/sh
# Waits for the server and makes the namespace where it is missing: safe to repeat. Takes TEMPORAL_ADDRESS,
# TEMPORAL_NAMESPACE and RETENTION, which must not be shorter than HOLDFAST_KEEP: a session is found again by its last run.
set -eu
left=60
until said=$(temporal operator cluster health 2>&1); do
  left=$((left - 1))
  if [ "$left" -le 0 ]; then
    echo "Temporal at $TEMPORAL_ADDRESS did not become healthy within 2 minutes: $said" >&2
    exit 1
  fi
  sleep 2
done
if temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1; then
  echo "namespace $TEMPORAL_NAMESPACE is there"
else
  temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention "${RETENTION:-720h}"
fi
