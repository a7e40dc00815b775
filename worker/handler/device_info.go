package handler

import (
	"context"
	"log/slog"
)

// DeviceInfo tells of the account's phone, or of a contact's new picture: one name for two kinds of notification.
// GREEN-API calls it out of order.
type DeviceInfo struct {
	Device Loose[Device] `json:"deviceData"`
	Avatar Loose[Avatar] `json:"avatarInfo"`
}

// Device is the phone that the account is linked to.
type Device struct {
	Platform     Text `json:"platform"`
	Manufacturer Text `json:"deviceManufacturer"`
	Model        Text `json:"deviceModel"`
	OSVersion    Text `json:"osVersion"`
	AppVersion   Text `json:"waVersion"`
	// Battery is its charge in percent.
	Battery Text `json:"battery"`
}

// Avatar is the picture of a contact.
type Avatar struct {
	ChatID Text `json:"chatId"`
}

func init() { register("deviceInfo", deviceInfo) }

func deviceInfo(ctx context.Context, event Event[DeviceInfo]) error {
	if avatar := event.Body.Avatar; avatar.OK {
		event.Log.LogAttrs(ctx, slog.LevelInfo, "picture of a contact changed", avatar.Value.ChatID.attr("chat_id"))
		return nil
	}
	device := event.Body.Device.Value
	event.Log.LogAttrs(ctx, slog.LevelInfo, "device of the account",
		device.Platform.attr("platform"),
		device.Manufacturer.attr("manufacturer"),
		device.Model.attr("model"),
		device.OSVersion.attr("os_version"),
		device.AppVersion.attr("app_version"),
		device.Battery.attr("battery"),
	)
	return nil
}
