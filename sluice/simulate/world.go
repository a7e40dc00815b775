package simulate

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"
)

// messenger is what an account is of, as typeInstance has it.
type messenger string

const (
	whatsApp     messenger = "whatsapp"
	maxMessenger messenger = "v3"
	telegram     messenger = "telegram"
)

const (
	// maxInstances keeps the ids of the messengers' instances apart.
	maxInstances = 100_000

	chatsPerInstance = 20
	// rememberedMessages of a chat are those that others can refer to.
	rememberedMessages = 100
	// maxDeliveries bounds the messages whose statuses are still to come: of older ones no more is heard, as when
	// the other side's phone is off.
	maxDeliveries = 300
	// busyDeliveries are the oldest of them, which the next status is one of.
	busyDeliveries = 16
	// maxCalls is how many go on at a time, in either direction.
	maxCalls = 3
)

// messengerOf spreads the messengers over the instances: half of them WhatsApp, because it has the most types.
func messengerOf(index int) (of messenger, firstID int64) {
	switch index % 4 {
	case 2:
		return maxMessenger, 3100000001
	case 3:
		return telegram, 4100000001
	default:
		return whatsApp, 1101000001
	}
}

// world is what goes on around one account. Every call of next makes the next thing happen. The random sequence
// alone decides what; the time only dates it. It is not safe for concurrent use.
type world struct {
	random   *rand.Rand
	webhooks []share
	messages []share
	account  account
	self     person
	chats    []*chat
	lastID   int64 // of MAX and Telegram, whose ids ascend

	deliveries []delivery
	calls      map[string][]*call // under way, by type
	unread     []late
	states     []string         // to come before anything else
	dated      map[string]int64 // the last second of each state

	battery, blocks, quotas int
}

// delivery is a message that was sent, with the statuses that are still to come.
type delivery struct {
	chat, id string
	byAPI    bool
	statuses []string
}

// late is a message whose text could not be read at first. It comes again under its id. Source: GREEN-API, error
// SWE001, and its issue 604.
type late struct {
	in   *chat
	from person
	id   string
	text string
}

func newWorld(random *rand.Rand, index int) *world {
	of, firstID := messengerOf(index)
	w := &world{
		random: random, webhooks: webhooks(), messages: messages(),
		account: account{ID: firstID + int64(index), Messenger: of},
		calls:   map[string][]*call{}, dated: map[string]int64{}, battery: 100,
	}
	w.self = w.newPerson()
	w.account.WID = fmt.Sprintf("%d@c.us", w.self.phone)
	w.lastID = w.between(1_700_000_000_000, 1_800_000_000_000)
	if of == maxMessenger {
		w.lastID = w.between(115_000_000_000_000_000, 115_900_000_000_000_000) // more than a float64 can hold exactly
	}
	for range chatsPerInstance {
		w.chats = append(w.chats, w.newChat())
	}
	return w
}

// InstanceIDs returns the numbers of so many instances.
func InstanceIDs(count int) []string {
	ids := make([]string, count)
	for index := range ids {
		_, firstID := messengerOf(index)
		ids[index] = strconv.FormatInt(firstID+int64(index), 10)
	}
	return ids
}

// next makes the next notification.
func (w *world) next(at time.Time) notification {
	if len(w.states) > 0 {
		return w.stateOf(at).notification()
	}
	return w.webhook(w.pick(w.webhooks).name, at).notification()
}

// document begins one of the type.
func (w *world) document(typ string, at time.Time) document {
	return document{TypeWebhook: typ, InstanceData: w.account, Timestamp: at.Unix()}
}

// dateOnce is the time in seconds, or one that was not used with the name yet: a state has no id, and the same one
// twice in a second would be the same notification.
func (w *world) dateOnce(name string, at time.Time) int64 {
	seconds := max(at.Unix(), w.dated[name]+1)
	w.dated[name] = seconds
	return seconds
}

// someChat prefers some chats to others, as people do.
func (w *world) someChat() *chat {
	likes := w.random.Float64()
	return w.chats[int(likes*likes*float64(len(w.chats)))]
}

// newID makes the id of a message. Source of the forms: the examples in GREEN-API's documentation.
func (w *world) newID(byAPI bool) string {
	if w.account.Messenger != whatsApp {
		w.lastID += w.between(1, 5000)
		return fmt.Sprint(w.lastID)
	}
	if byAPI {
		return "BAE5" + w.hex(12)
	}
	return w.hex(32)
}

func (w *world) hex(digits int) string {
	var text strings.Builder
	for text.Len() < digits {
		fmt.Fprintf(&text, "%016X", w.random.Uint64())
	}
	return text.String()[:digits]
}

func (w *world) between(low, high int64) int64 { return low + w.random.Int64N(high-low) }

func (w *world) chance(part float64) bool { return w.random.Float64() < part }

// one is a random element.
func one[T any](random *rand.Rand, of []T) T { return of[random.IntN(len(of))] }

// sent remembers a message of the account, so that its statuses follow.
func (w *world) sent(in *chat, id string, byAPI bool) {
	if len(w.deliveries) == maxDeliveries {
		w.deliveries = slices.Delete(w.deliveries, 0, 1)
	}
	w.deliveries = append(w.deliveries, delivery{chat: in.id, id: id, byAPI: byAPI, statuses: w.statuses(in)})
}

// statuses returns the statuses of a message in their order. Most messages are read sooner or later. MAX and Telegram
// have no "sent" in their tables of statuses.
func (w *world) statuses(in *chat) []string {
	statuses := []string{"delivered", "read"}
	if w.account.Messenger == whatsApp {
		statuses = []string{"sent", "delivered", "read"}
	}
	luck := w.random.Float64()
	switch {
	case luck < 0.01:
		return []string{"failed"}
	case luck < 0.02 && w.account.Messenger != telegram && !in.group:
		return []string{"noAccount"}
	case luck < 0.02 && w.account.Messenger != telegram:
		return []string{"notInGroup"}
	case luck < 0.25:
		return statuses[:len(statuses)-1]
	default:
		return statuses
	}
}
