package receiver_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"

	"sluice.internal/receiver"
	"sluice.internal/shared/config"
	"sluice.internal/shared/forwarded"
)

// Refusals are held back by address, and the address is read as the gateway reads it: from the one header that the proxies
// write. What a client writes into the other one gives it no more tries.
func TestRefusalsAreCountedForTheAddressThatProxiesName(t *testing.T) {
	t.Parallel()
	const atATime = 20
	proxies := config.Default().Gateway
	proxies.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.1/32")}
	proxies.ForwardedHeader = "Forwarded"
	synctest.Test(t, func(t *testing.T) {
		r := receiver.New(receiver.Settings{
			Bots: map[string]config.Bot{"crm": crm()}, Clients: forwarded.Configured(proxies),
		}, slog.New(slog.DiscardHandler))
		ask := func(client string, number int) int {
			request := httptest.NewRequest(http.MethodGet, "/waInstance"+id+"/receiveNotification/wrong", nil)
			request.RemoteAddr = "10.0.0.1:5"
			request.Header.Set("Forwarded", "for="+client)
			request.Header.Set("X-Forwarded-For", fmt.Sprintf("198.51.100.%d", number))
			answer := httptest.NewRecorder()
			r.ServeHTTP(answer, request)
			return answer.Code
		}
		var held sync.WaitGroup
		for number := range atATime {
			held.Go(func() {
				if status := ask("192.0.2.1", number); status != http.StatusUnauthorized {
					t.Errorf("request %d is answered %d", number, status)
				}
			})
		}
		synctest.Wait()
		if status := ask("192.0.2.1", atATime); status != http.StatusTooManyRequests {
			t.Errorf("one more is answered %d", status)
		}
		if status := ask("192.0.2.2", 0); status != http.StatusUnauthorized {
			t.Errorf("another address is answered %d", status)
		}
		held.Wait()
	})
}
