package receiver

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"sluice.internal/shared/config"
	"sluice.internal/shared/greenapi"
	"sluice.internal/shared/stream/position"
)

// maxSettings bounds the settings that a bot sends, in bytes.
const maxSettings = 1 << 20

// getSettings answers as if nothing was posted anywhere: some clients end where a webhookUrl is set, and the token there is
// Sluice's.
func (r *Receiver) getSettings(w http.ResponseWriter, c call) {
	if r.notForwarded(c) != "" {
		r.madeUpSettings(w, c)
		return
	}
	answer, err := r.askJSON(c, nil)
	var settings map[string]json.RawMessage
	if err == nil {
		err = json.Unmarshal(answer, &settings)
	}
	if err != nil {
		r.upstreamFailed(w, c, err)
		return
	}
	for _, name := range []string{greenapi.WebhookURL, greenapi.WebhookURLToken} {
		settings[name] = json.RawMessage(`""`)
	}
	r.writeJSON(w, c, settings)
}

// upstreamFailed hands the status of GREEN-API's answer on, without a body.
func (r *Receiver) upstreamFailed(w http.ResponseWriter, c call, err error) {
	if failed := (*statusError)(nil); errors.As(err, &failed) {
		empty(w, failed.status)
		return
	}
	r.noUpstream(w, c, err)
}

func (r *Receiver) writeJSON(w http.ResponseWriter, c call, document any) {
	body, err := json.Marshal(document)
	if err != nil {
		r.unavailable(w, c, err)
		return
	}
	write(w, body)
}

// madeUpSettings are those of an instance that GREEN-API is not asked for: what is known from its newest notification.
func (r *Receiver) madeUpSettings(w http.ResponseWriter, c call) {
	var newest struct {
		InstanceData struct {
			WID          string `json:"wid"`
			TypeInstance string `json:"typeInstance"`
		} `json:"instanceData"`
	}
	if !r.newest(w, c, "", &newest) {
		return
	}
	settings := map[string]string{
		"wid": newest.InstanceData.WID, "typeInstance": newest.InstanceData.TypeInstance,
		greenapi.WebhookURL: "", greenapi.WebhookURLToken: "",
	}
	for _, kind := range []string{
		"incomingWebhook", "outgoingWebhook", "outgoingMessageWebhook", "outgoingAPIMessageWebhook", "stateWebhook", "pollMessageWebhook",
		"incomingCallWebhook", "outgoingCallWebhook", "editedMessageWebhook", "deletedMessageWebhook",
	} {
		settings[kind] = greenapi.On
	}
	r.writeJSON(w, c, settings)
}

// newest reads the newest notification of the instance, of one type or of any, into the document. It has answered when it
// returns false.
func (r *Receiver) newest(w http.ResponseWriter, c call, kind string, document any) bool {
	ctx, cancel := context.WithTimeout(c.request.Context(), storeTimeout)
	defer cancel()
	filter := position.Filter{Source: c.bot.Source, Instance: c.instance}
	if kind != "" {
		filter.Types = []string{kind}
	}
	body, err := r.settings.Positions.Last(ctx, filter)
	if err != nil {
		r.unavailable(w, c, err)
		return false
	}
	_ = json.Unmarshal(body, document) // A body that is otherwise says nothing.
	return true
}

// setSettings takes out of the settings what would take notifications away from Sluice: the official JavaScript chatbot clears
// the webhookUrl and switches kinds off when it starts. Kinds may be switched on.
func (r *Receiver) setSettings(w http.ResponseWriter, c call) {
	if c.bot.Forward == config.ForwardSettings || c.bot.Forward == config.ForwardAll {
		r.forward(w, c)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, c.request.Body, maxSettings))
	var settings map[string]json.RawMessage
	if err != nil || json.Unmarshal(body, &settings) != nil {
		empty(w, http.StatusBadRequest)
		return
	}
	withheld := 0
	for name, value := range settings {
		if name == greenapi.WebhookURL || name == greenapi.WebhookURLToken || greenapi.IsKind(name) && string(value) != `"`+greenapi.On+`"` {
			delete(settings, name)
			withheld++
		}
	}
	if withheld > 0 {
		r.log.Info("settings of a bot were not handed on, which would take notifications away",
			"bot", c.bot.Name, "instance", c.instance, "withheld", withheld)
	}
	if len(settings) == 0 || r.notForwarded(c) != "" {
		write(w, []byte(`{"saveSettings":true}`))
		return
	}
	left, err := json.Marshal(settings)
	var answer []byte
	if err == nil {
		answer, err = r.askJSON(c, left)
	}
	if err != nil {
		r.upstreamFailed(w, c, err)
		return
	}
	write(w, answer)
}

// getState answers with the state of the instance; where GREEN-API is not asked, with what it notified last.
func (r *Receiver) getState(w http.ResponseWriter, c call) {
	if r.notForwarded(c) == "" {
		r.forward(w, c)
		return
	}
	newest := struct {
		State string `json:"stateInstance"`
	}{State: "authorized"}
	if r.newest(w, c, "stateInstanceChanged", &newest) {
		r.writeJSON(w, c, newest)
	}
}
