package stream

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/nats-io/nats.go"

	"sluice.internal/shared/notification"
)

// RecordOperation keeps what an operator did. Errors as PublishNotification.
func (s *Streams) RecordOperation(ctx context.Context, operation notification.Operation) error {
	document, err := json.Marshal(operation)
	if err != nil {
		return fmt.Errorf("record operation %s: %w", operation.What, err)
	}
	if _, err := s.publishSingle(ctx, &nats.Msg{Subject: "operation." + Token(operation.What), Data: document}); err != nil {
		return fmt.Errorf("record operation %s: %w", operation.What, err)
	}
	return nil
}

func readOperation(document []byte, sequence uint64) notification.Operation {
	var operation notification.Operation
	// What another program wrote may be anything; it is listed empty.
	_ = json.Unmarshal(document, &operation)
	operation.Sequence = sequence
	return operation
}
