package wire

import (
	"encoding/json"

	"github.com/nats-io/nats.go"

	"sluice.internal/shared/notification"
)

// OperationMessage writes an operation as JSON.
func OperationMessage(operation *notification.Operation) (*nats.Msg, error) {
	document, err := json.Marshal(operation)
	if err != nil {
		return nil, err
	}
	return &nats.Msg{Subject: "operation." + Token(operation.What), Data: document}, nil
}

// ReadOperation reads what OperationMessage wrote.
func ReadOperation(document []byte, sequence uint64) notification.Operation {
	var operation notification.Operation
	// What another program wrote may be anything; it is listed empty.
	_ = json.Unmarshal(document, &operation)
	operation.Sequence = sequence
	return operation
}
