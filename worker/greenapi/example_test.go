package greenapi_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"sluice.internal/shared/config"
	"sluice.internal/shared/greenapi/mock"
	"sluice.internal/worker"
	"sluice.internal/worker/greenapi"
	"sluice.internal/worker/handler"
)

// A handler that sends more than texts has the accounts from worker.Env.
func ExampleAccounts_Of() {
	_ = func(_ context.Context, env *worker.Env) (*handler.Registry, error) { // This is a setup of yours.
		accounts, err := env.GreenAPI()
		if err != nil {
			return nil, err
		}
		registry := handler.BuiltIn()
		handler.Register(registry, "green-api", "orderPaid", func(ctx context.Context, event handler.Event[struct{}]) error {
			client, err := accounts.Of(event.About)
			if err != nil {
				return err
			}
			_, err = client.SendFileByURL(ctx, greenapi.File{
				ChatID: event.OrderKey, URL: "https://shop.example/bill.pdf", Name: "bill.pdf", Caption: "Your bill",
			})
			return err // A verdict: permanent where GREEN-API refuses what it says, and how long to wait otherwise.
		})
		return registry, nil
	}
}

// sources are the configuration of an instance of a GREEN-API that only plays it.
func sources() (configured map[string]config.Source, stop func()) {
	api := mock.New(mock.Options{})
	api.Add("1101000001", "the-token-of-the-instance").Faults(mock.Fault{Method: "readChat", Name: "400"})
	server := httptest.NewServer(api)
	return map[string]config.Source{"green-api": {Instances: map[string]config.Instance{
		"1101000001": {APIURL: server.URL, Token: config.NewSecret("the-token-of-the-instance")},
	}}}, server.Close
}

func ExampleAccounts_Client() {
	configured, stop := sources()
	defer stop()
	accounts := greenapi.NewAccounts(configured)
	defer accounts.Close()
	client, err := accounts.Client("green-api", "1101000001")
	if err != nil {
		fmt.Println(err)
		return
	}
	exists, err := client.CheckWhatsapp(context.Background(), 79001234567)
	fmt.Println(exists, err)
	id, err := client.SendPoll(context.Background(), greenapi.Poll{
		ChatID: "79001234567@c.us", Question: "Which colour?", Options: greenapi.PollOptions("green", "red"),
	})
	fmt.Println(id != "", err)
	// Output:
	// true <nil>
	// true <nil>
}

func ExampleReasonOf() {
	configured, stop := sources()
	defer stop()
	accounts := greenapi.NewAccounts(configured)
	defer accounts.Close()
	client, err := accounts.Client("green-api", "1101000001")
	if err != nil {
		fmt.Println(err)
		return
	}
	err = client.ReadChat(context.Background(), "no chat", "")
	fmt.Println(greenapi.ReasonOf(err), errors.Is(err, handler.ErrPermanent))
	var failure *greenapi.Error
	fmt.Println(errors.As(err, &failure) && failure.Status == http.StatusBadRequest)
	// Output:
	// invalid true
	// true
}

func ExamplePollOptions() {
	poll := greenapi.Poll{ChatID: "79001234567@c.us", Question: "Which colour?", Options: greenapi.PollOptions("green", "red")}
	for _, option := range poll.Options {
		fmt.Println(option.Name)
	}
	// Output:
	// green
	// red
}

func ExampleNewAccounts() {
	accounts := greenapi.NewAccounts(map[string]config.Source{})
	defer accounts.Close()
	_, err := accounts.Client("green-api", "1101000001")
	fmt.Println(err)
	// Output: there is no instance "1101000001" of source "green-api" to send with; configure sources.green-api.instances."1101000001" with its token_file
}

func ExampleAccounts_Deliver() {
	configured, stop := sources()
	defer stop()
	accounts := greenapi.NewAccounts(configured)
	defer accounts.Close()
	err := accounts.Deliver(context.Background(), greenapi.Delivery{
		Source: "green-api", Instance: "1101000001", Chat: "79001234567@c.us", Text: "We have got your order.",
	})
	fmt.Println(err)
	// Output: <nil>
}
