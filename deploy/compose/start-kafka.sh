#!/bin/sh
# Formats the data folder the first time, then becomes the broker.
set -eu
kafka=/opt/kafka/bin
$kafka/kafka-storage.sh format --ignore-formatted --cluster-id "${CLUSTER_ID:-ZnJlc2hldC1jb21wb3NlMA}" --config /kafka.properties
exec $kafka/kafka-server-start.sh /kafka.properties
