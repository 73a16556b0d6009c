parked-title = Parked
parked-one = Parked event
parked-help = What a role could not take stays here in order, with all that came later in its thread.
parked-nothing = Nothing is parked.
parked-unknown = This role can’t be asked: it does not answer, or the console has no token for it.
parked-attempts = { $n ->
    [0] not tried yet
    [one] { $n } attempt
   *[other] { $n } attempts
}
parked-bytes = { $n ->
    [one] { $n } byte
   *[other] { $n } bytes
}
parked-behind = waits behind { $n }
parked-reason = Reason
parked-since = Parked
parked-retry = Try its thread again
parked-bytes-title = As it came
parked-base64 = It is not UTF-8, and shown as Base64.
parked-drop = Drop it for good
parked-why = Why
parked-confirm = This role will never take it; the rest of its thread goes on.
parked-confirm-first = Nothing was dropped: say why, and confirm it.
outcome-handled = It was taken, and so was what waited behind it.
outcome-parked = It was refused again.
outcome-running = It is being tried; look again later.
outcome-dropped = It was dropped.
