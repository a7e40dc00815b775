package admin

import (
	"context"
	"encoding/json"
	"slices"

	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/internal/wire"
)

// addAsides adds to each group the chats that are aside.
func (s *Client) addAsides(ctx context.Context, status *Status) error {
	if !status.answers(stream.Positions) {
		return nil
	}
	all := read(ctx, s, stream.Positions, wire.AsidesOf("*"), Query{}, func(m *message) (record stream.AsideRecord, known bool) {
		known = json.Unmarshal(m.Data(), &record) == nil // What another program wrote counts as nothing.
		return record, known
	})
	for record, err := range all {
		if err != nil {
			return err
		}
		for i := range status.Groups {
			if group := &status.Groups[i]; group.Name == record.Group {
				group.addAsides(record.Chats)
			}
		}
	}
	return nil
}

func (b *Backlog) addAsides(chats []stream.Aside) {
	for _, chat := range chats {
		if chat.Until == 0 {
			b.Aside = append(b.Aside, chat)
			b.Waiting += chat.Waiting
		}
	}
	slices.SortFunc(b.Aside, func(one, other stream.Aside) int { return int(other.Waiting) - int(one.Waiting) }) //nolint:gosec // Far below.
}
