"""A producer and a consumer that know nothing of ours: Confluent's client, its serializer with a schema
registry, and fastavro. Takes its orders as one JSON object on the standard input.

produce: registers a schema and writes records by it; what is `raw` is written as it is (base64).
consume: reads a topic from the beginning to its end and prints each record as a line of JSON, decoded by
the schema that is given, behind the five bytes of the header.
"""

import base64
import io
import json
import sys

import fastavro
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

HEADER_BYTES = 5
PATIENCE_S = 30


def produce(order):
    registry = SchemaRegistryClient({"url": order["registry"]})
    serialize = AvroSerializer(registry, json.dumps(order["schema"]))
    where = SerializationContext(order["topic"], MessageField.VALUE)
    producer = Producer({"bootstrap.servers": order["bootstrap"], "compression.type": "zstd"})
    failures = []

    def delivered(error, _message):
        if error is not None:
            failures.append(str(error))

    values = [serialize(record, where) for record in order["records"]]
    values += [base64.b64decode(each) for each in order.get("raw", [])]
    for index, value in enumerate(values):
        producer.produce(order["topic"], value, key=f"key-{index}", on_delivery=delivered)
        producer.poll(0)
    producer.flush(PATIENCE_S)
    ids = {int.from_bytes(value[1:HEADER_BYTES], "big") for value in values[: len(order["records"])]}
    print(json.dumps({"written": len(values), "failures": failures, "schemaIds": sorted(ids)}))


def consume(order):
    schema = fastavro.parse_schema(order["schema"])
    consumer = Consumer(
        {
            "bootstrap.servers": order["bootstrap"],
            "group.id": order["group"],
            "enable.auto.commit": False,
        }
    )
    topic = order["topic"]
    places = [
        TopicPartition(topic, index, 0)
        for index in consumer.list_topics(topic, timeout=PATIENCE_S).topics[topic].partitions
    ]
    ends = {place.partition: consumer.get_watermark_offsets(place)[1] for place in places}
    consumer.assign(places)
    left = sum(ends.values())
    while left > 0:
        message = consumer.poll(PATIENCE_S)
        if message is None or message.error() is not None:
            sys.exit(f"expected {left} more records, got {message and message.error()}")
        if message.offset() >= ends[message.partition()]:
            continue
        left -= 1
        body = io.BytesIO(message.value()[HEADER_BYTES:])
        print(json.dumps(fastavro.schemaless_reader(body, schema), default=str))
    consumer.close()


order = json.load(sys.stdin)
{"produce": produce, "consume": consume}[order["do"]](order)
