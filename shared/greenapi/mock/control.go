package mock

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"github.com/tidwall/gjson"
)

// control serves the paths by which a program outside plays with the API:
//
//	POST /mock/push            a notification, for the instance that its instanceData names
//	PUT  /mock/faults/ID       a JSON list of faults, in place of those before
//	GET  /mock/instances/ID    counts, settings, and the messages that were sent
func (a *API) control(w http.ResponseWriter, r *http.Request, path string) {
	verb, id, _ := strings.Cut(path, "/")
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		text(w, http.StatusBadRequest, "the body ended early")
		return
	}
	if verb == "push" {
		id = gjson.GetBytes(body, "instanceData.idInstance").String()
	}
	instance := a.Instance(id)
	if all := a.all(); id == "" && verb == "push" && len(all) > 0 {
		instance = all[0] // What names none, because it is broken, has to go somewhere.
	}
	if instance == nil {
		text(w, http.StatusNotFound, "there is no such instance")
		return
	}
	switch r.Method + " " + verb {
	case "POST push":
		instance.Push(body)
	case "PUT faults":
		a.setFaults(w, instance, body)
	case "GET instances":
		document(w, instance.describe())
	default:
		text(w, http.StatusNotFound, "there is nothing here")
	}
}

func (a *API) setFaults(w http.ResponseWriter, instance *Instance, body []byte) {
	var faults []Fault
	if err := json.Unmarshal(body, &faults); err != nil {
		text(w, http.StatusBadRequest, "write a list such as "+`[{"method":"receiveNotification","name":"502","times":3}]`)
		return
	}
	for _, fault := range faults {
		if err := fault.Check(); err != nil {
			text(w, http.StatusBadRequest, err.Error())
			return
		}
	}
	instance.Faults(faults...)
}

// description is an instance for who looks from outside.
type description struct {
	Waiting  int               `json:"waiting"`
	Deleted  int               `json:"deleted"`
	Calls    map[string]int    `json:"calls"`
	Settings map[string]string `json:"settings"`
	Sent     []sentDescription `json:"sent"`
}

type sentDescription struct {
	Method string `json:"method"`
	Body   string `json:"body"`
}

func (i *Instance) describe() description {
	described := description{Waiting: i.Waiting(), Deleted: i.Deleted(), Settings: i.Settings(), Calls: map[string]int{}, Sent: []sentDescription{}}
	for _, sent := range i.Sent() {
		described.Sent = append(described.Sent, sentDescription{Method: sent.Method, Body: string(sent.Body)})
	}
	i.mutex.Lock()
	defer i.mutex.Unlock()
	for method, count := range i.calls {
		described.Calls[method] = count
	}
	return described
}
