// The gateway takes webhooks in and stores them in NATS.
//
// This is the process around package gateway: flags, configuration, one connection to NATS. It may store notifications,
// rejections and alerts and read nothing, as its role in nats/roles.conf has it. Any number of them may run behind a load
// balancer; they share nothing but the streams.
package main

import "sluice.internal/gateway"

func main() { gateway.Main() }
