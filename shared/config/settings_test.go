package config_test

import (
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/config"
)

// orders are the settings of a handler of one's own.
type orders struct {
	DatabaseURL config.Secret `yaml:"database_url" required:"true"`
	Timeout     time.Duration `yaml:"timeout" default:"5s" min:"1ms"`
	Currencies  []string      `yaml:"currencies"`
	Fee         float64       `yaml:"fee"`
	Mode        string        `yaml:"mode" default:"live" enum:"live,test"`
	Mail        struct {
		From string `yaml:"from"`
	} `yaml:"mail"`
	pool any
}

// settings loads a configuration with settings in it.
func settings(t *testing.T, text string, environ ...string) config.Settings {
	t.Helper()
	cfg, err := config.Load(config.Options{File: folderFile(t, text), Environ: environ, WithoutTokens: true})
	if err != nil {
		t.Fatal(err)
	}
	return cfg.Settings
}

func TestSettingsComeFromFileVariablesAndDefaults(t *testing.T) {
	t.Parallel()
	var got orders
	read := settings(t, "settings:\n  orders:\n    database_url: postgres://one\n    fee: 2.5\n    currencies: [EUR, USD]\n    mail:\n      from: shop@example.org\n",
		"SLUICE_SETTINGS_ORDERS_TIMEOUT=7s", "SLUICE_SETTINGS_ORDERS_FEE=3")
	if err := read.Read("orders", &got); err != nil {
		t.Fatal(err)
	}
	if got.DatabaseURL.Reveal() != "postgres://one" || got.Timeout != 7*time.Second || len(got.Currencies) != 2 || got.Fee != 3 ||
		got.Mode != "live" || got.Mail.From != "shop@example.org" || got.pool != nil {
		t.Errorf("read %+v", got)
	}
	if err := read.CheckAllRead(); err != nil {
		t.Errorf("all was read, and yet: %v", err)
	}
}

func TestSecretOfSettingsMayBeInAFile(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"sluice.yaml": "settings:\n  orders:\n    database_url_file: url\n", "url": "postgres://two\n"})
	cfg, err := config.Load(config.Options{File: dir + "/sluice.yaml", WithoutTokens: true})
	if err != nil {
		t.Fatal(err)
	}
	var got orders
	if err := cfg.Settings.Read("orders", &got); err != nil || got.DatabaseURL.Reveal() != "postgres://two" {
		t.Errorf("read %q, error %v", got.DatabaseURL.Reveal(), err)
	}
}

func TestFaultsOfSettingsHaveTheirPlacesAndNoSecrets(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text    string
		environ []string
		want    string
	}{
		"a mistake in a key": {
			"settings:\n  orders:\n    database_url: x\n    timeot: 1s\n", nil,
			`sluice.yaml:4: settings.orders.timeot: unknown key; did you mean "timeout"?`,
		},
		"no duration": {
			"settings:\n  orders:\n    database_url: x\n    timeout: soon\n", nil,
			`sluice.yaml:4: settings.orders.timeout: "soon" is not a duration; write for example 30s, 15m or 24h`,
		},
		"below its bound": {
			"settings:\n  orders:\n    database_url: x\n",
			[]string{"SLUICE_SETTINGS_ORDERS_TIMEOUT=0s"},
			"SLUICE_SETTINGS_ORDERS_TIMEOUT: 0s is less than the minimum, 1ms",
		},
		"none of the choices": {
			"settings:\n  orders:\n    database_url: x\n    mode: dry\n", nil,
			`sluice.yaml:4: settings.orders.mode: "dry" is not one of live, test`,
		},
		"missing": {"", nil, "settings.orders.database_url: is missing; set it here or by the variable SLUICE_SETTINGS_ORDERS_DATABASE_URL, " +
			"or settings.orders.database_url_file to the file that it is in"},
		"in two places": {
			"settings:\n  orders:\n    database_url: x\n    database_url_file: y\n", nil,
			"sluice.yaml:4: settings.orders.database_url_file: can't be set together with settings.orders.database_url (sluice.yaml:3)",
		},
		"no such file": {
			"settings:\n  orders:\n    database_url_file: absent\n", nil,
			`sluice.yaml:3: settings.orders.database_url_file: "absent": no such file; create it or correct the path`,
		},
		"a mistake in a variable": {
			"settings:\n  orders:\n    database_url: x\n",
			[]string{"SLUICE_SETTINGS_ORDERS_FE=1"},
			"SLUICE_SETTINGS_ORDERS_FE: unknown variable; did you mean SLUICE_SETTINGS_ORDERS_FEE?",
		},
		"two at once": {
			"settings:\n  orders:\n    database_url: x\n    fee: much\n    mode: dry\n", nil,
			"sluice.yaml:4: settings.orders.fee: \"much\" is not a number\nsluice.yaml:5: settings.orders.mode: \"dry\" is not one of live, test",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := folderFile(t, c.text)
			cfg, err := config.Load(config.Options{File: path, Environ: c.environ, WithoutTokens: true})
			if err != nil {
				t.Fatal(err)
			}
			err = cfg.Settings.Read("orders", new(orders))
			if err == nil {
				t.Fatal("no fault")
			}
			if got := strings.ReplaceAll(err.Error(), strings.TrimSuffix(path, "sluice.yaml"), ""); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestSettingsThatNobodyReadsAreTold(t *testing.T) {
	t.Parallel()
	read := settings(t, "settings:\n  order:\n    fee: 1\n", "SLUICE_SETTINGS_MAIL_FROM=x", "SLUICE_SETTINGS_ORDERS_DATABASE_URL=x")
	if err := read.Read("orders", new(orders)); err != nil {
		t.Fatal(err)
	}
	err := read.CheckAllRead()
	if err == nil || !strings.Contains(err.Error(), `sluice.yaml:2: settings.order: no handler of this program reads it; did you mean "orders"?`) ||
		!strings.Contains(err.Error(), "SLUICE_SETTINGS_MAIL_FROM: no handler") || strings.Contains(err.Error(), "ORDERS_DATABASE") {
		t.Errorf("error %v", err)
	}
}

func TestSettingsOfOthersAreLeftAlone(t *testing.T) {
	t.Parallel()
	// The gateway reads the same file and knows no handlers.
	read := settings(t, "settings:\n  orders:\n    anything: [1, {a: b}]\n", "SLUICE_SETTINGS_ORDERS_ANYTHING=x")
	if err := read.CheckAllRead(); err == nil {
		t.Error("what nobody read is not told")
	}
}

func TestSettingsShowNamesAlone(t *testing.T) {
	t.Parallel()
	read := settings(t, "settings:\n  orders:\n    password: hunter2\n", "SLUICE_SETTINGS_MAIL_PASSWORD=hunter3")
	if text, err := read.MarshalText(); err != nil || string(text) != "SLUICE_SETTINGS_MAIL_PASSWORD, orders" {
		t.Errorf("%s, error %v", text, err)
	}
}

func TestSectionsOfSettingsHaveNamesThatVariablesCanHave(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"settings:\n  Orders: {}\n":                 "a section is called by a letter",
		"settings:\n  orders: {}\n  orders: {}\n":   "is set already on line 2",
		"settings: [orders]\n":                      "must be a mapping of sections",
		"settings:\n  \"orders.more\":\n    a: 1\n": "a section is called by a letter",
	} {
		if _, err := config.Load(config.Options{File: folderFile(t, text), WithoutTokens: true}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}

func TestTargetOfSettingsThatCanNotBeReadIsAnError(t *testing.T) {
	t.Parallel()
	var none config.Settings
	for name, target := range map[string]any{
		"no pointer": orders{}, "nil": (*orders)(nil), "no struct": new(string),
		"a map": new(struct {
			M map[string]string `yaml:"m"`
		}),
		"not exported": new(struct {
			m string `yaml:"m"`
		}),
		"a default like that": new(struct {
			D time.Duration `yaml:"d" default:"soon"`
		}),
	} {
		if err := none.Read("orders", target); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if err := none.Read("Orders!", new(orders)); err == nil {
		t.Error("a name that no section can have is read")
	}
}
