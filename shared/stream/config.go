package stream

import "sluice.internal/shared/config"

// AccessFrom is how the configuration says to reach NATS.
func AccessFrom(nats config.NATS) Access {
	return Access{
		URL: nats.URL.Reveal(), User: nats.User, Password: nats.Password.Reveal(),
		CredentialsFile: nats.CredentialsFile, NKeyFile: nats.NKeyFile,
		CAFile: nats.TLS.CAFile, CertFile: nats.TLS.CertFile, KeyFile: nats.TLS.KeyFile,
	}
}

// SettingsFrom is how the configuration wants the streams.
func SettingsFrom(streams config.Streams) Settings {
	return Settings{
		Shards: streams.Shards, Lanes: streams.Lanes, Replicas: streams.Replicas, Unmanaged: !streams.Manage,
		Notifications:   Bounds{MaxBytes: int64(streams.Notifications.MaxBytes), MaxAge: streams.Notifications.Keep},
		Events:          Bounds{MaxBytes: int64(streams.Events.MaxBytes), MaxAge: streams.Events.Keep},
		Retries:         Bounds{MaxBytes: int64(streams.Retries.MaxBytes)},
		DeadLetters:     Bounds{MaxBytes: int64(streams.DeadLetters.MaxBytes), MaxAge: streams.DeadLetters.Keep},
		Rejections:      Bounds{MaxBytes: int64(streams.Rejections.MaxBytes), MaxAge: streams.Rejections.Keep},
		Alerts:          Bounds{MaxBytes: int64(streams.Alerts.MaxBytes), MaxAge: streams.Alerts.Keep},
		DuplicateWindow: streams.Events.DuplicateWindow,
		AlertWindow:     streams.Alerts.GroupWindow,
	}
}
