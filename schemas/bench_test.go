package schemas_test

import (
	"testing"
)

// BenchmarkValidate is the cost of validating one notification of about 1 KB, parsing not included.
func BenchmarkValidate(b *testing.B) {
	set := load(b)
	for _, name := range []string{
		"whatsapp_incomingMessageReceived_textMessage.json",
		"whatsapp_incomingMessageReceived_imageMessage_quoting_contactMessage.json",
		"whatsapp_incomingMessageReceived_interactiveButtons.json",
		"whatsapp_outgoingMessageStatus.json",
		"whatsapp_incomingCall.json",
	} {
		s := sample(b, name)
		document := s.document(b)
		b.Run(s.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				set.Validate(greenAPI, s.typ, document)
			}
		})
	}
}
