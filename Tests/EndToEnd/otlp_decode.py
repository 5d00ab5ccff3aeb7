# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
"""Prints requests as text, decoded by OpenTelemetry's own package: `otlp_decode.py FILE…`, in the order of the files.

Ends with 1 when a field or a value of an enum is one that the package does not know, or a request holds nothing."""
import sys

from google.protobuf import text_format, unknown_fields
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest


def unknown(message, path):
    """What the package does not know of a message and all below."""
    for field in unknown_fields.UnknownFieldSet(message):
        yield f"{path}: field {field.field_number} of wire type {field.wire_type}"
    for field, value in message.ListFields():
        here = f"{path}.{field.name}"
        if field.enum_type is not None and value not in field.enum_type.values_by_number:
            yield f"{here}: value {value}"
        if field.message_type is not None:
            for item in value if field.label == field.LABEL_REPEATED else [value]:
                yield from unknown(item, here)


def main(paths):
    faults = []
    for path in paths:
        with open(path, "rb") as file:
            request = ExportMetricsServiceRequest.FromString(file.read())
        faults += [f"{path}: {fault}" for fault in unknown(request, "request")]
        if not any(scope.metrics for resource in request.resource_metrics for scope in resource.scope_metrics):
            faults.append(f"{path}: no metrics")
        print(text_format.MessageToString(request), end="")
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
