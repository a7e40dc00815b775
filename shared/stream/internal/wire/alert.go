package wire

import (
	"encoding/json"
	"time"

	"github.com/nats-io/nats.go"

	"sluice.internal/shared/notification"
)

// AlertMessage writes an alert as JSON, for any program that tells the operator. Its id is the fingerprint, so
// that the stream's duplicate window groups alerts about the same thing.
func AlertMessage(alert *notification.Alert) (*nats.Msg, error) {
	body, err := json.Marshal(alertDocument{
		Severity: alert.Severity, Title: alert.Title, Detail: alert.Detail,
		Source: alert.Source, Type: alert.Type, Instance: alert.Instance, At: alert.At.UTC(),
	})
	if err != nil {
		return nil, err
	}
	h := make(header, 1)
	h.set(nats.MsgIdHdr, alert.Fingerprint())
	return &nats.Msg{Subject: alertSubject(alert), Header: nats.Header(h), Data: body}, nil
}

type alertDocument struct {
	Severity string    `json:"severity"`
	Title    string    `json:"title"`
	Detail   string    `json:"detail,omitempty"`
	Source   string    `json:"source,omitempty"`
	Type     string    `json:"type,omitempty"`
	Instance string    `json:"instance,omitempty"`
	At       time.Time `json:"at"`
}
