webhooks-title = Webhooks
webhook-one = Webhook
webhooks-help = What was decided is posted to these addresses, signed, until it is taken.
webhooks-nothing = The configuration of moderation-rules lists no webhooks.
webhook-state-up = takes events
webhook-state-failing = takes nothing at the moment
webhook-state-disabled = disabled
webhook-why-failing = It failed for days.
webhook-why-gone = It answered that it wants nothing any more (410).
webhook-why-operator = Somebody disabled it.
webhook-lost = Where it was is not known any more: it went on with what was decided then. Have the time before sent again.
webhook-retrying = { $n ->
    [one] { $n } event waits for another attempt
   *[other] { $n } events wait for another attempt
}
webhook-ready = { $n ->
    [one] { $n } is next
   *[other] { $n } are next
}
webhook-unread = { $n ->
    [one] { $n } record is not read yet
   *[other] { $n } records are not read yet
}
webhook-oldest = oldest: { $time }
webhook-success = last taken: { $time }
webhook-failure = last failure: { $time }
webhook-paused = It is left alone until { $time }.
webhook-next = next attempt: { $time }
webhook-attempt = attempt { $n }
webhook-ms = { $n } ms
webhook-test = Send a ping
webhook-tested = The ping: { $result }.
webhook-enable = Enable
webhook-enable-confirm = The receiver is well: what waits is sent.
webhook-disable = Disable
webhook-disable-confirm = Nothing is sent until somebody enables it.
webhook-replay-title = Send again
webhook-since = From this day on (UTC)
webhook-given-up-alone = Only what was given up
webhook-replay-confirm = The receiver knows what to do with repeats.
webhook-replay = Send again
webhook-again = Send this again
webhook-confirm-first = Nothing was done: confirm it.
webhookdone-enabled = It is enabled.
webhookdone-disabled = It is disabled.
webhookdone-replayed = What was asked for is sent again.
webhook-log = Deliveries
webhook-outcome = Afterwards
webhook-outcome-done = done
webhook-outcome-waits = waits
webhook-outcome-given_up = given up
webhookresult-ok = taken
webhookresult-timeout = no answer in time
webhookresult-unreachable = not reached
webhookresult-blocked = the address may not be used
webhookresult-redirect = a redirect, which is not followed
webhookresult-refused = refused
webhookresult-limited = too much at a time
webhookresult-failed = the receiver failed
webhookresult-gone = wants nothing any more
webhookresult-erased = erased before
webhook-acts = What was done
webhookact-began = begun
webhookact-forgotten = forgotten
webhookact-enabled = enabled
webhookact-disabled = disabled
webhookact-tested = tested
webhookact-replayed = sent again
