second-step-title = Second step
second-step-none = You sign in with your password alone.
second-step-on = You sign in with your password and a code.
second-step-spare = { $n ->
    [one] { $n } spare code is left.
   *[other] { $n } spare codes are left.
}
second-step-how = An authenticator on your phone shows a new code every 30 seconds. Have it read this picture, and type the code that it shows.
second-step-picture = QR code for an authenticator
second-step-type = Or type this into it:
second-step-code = Code
second-step-code-or-spare = Code of your authenticator, or a spare code
second-step-set-up = Set up
second-step-off = Turn it off
second-step-codes = Spare codes
second-step-codes-text = Each works once in place of your authenticator. They are shown this once: keep them where you find them without your phone.
second-step-required = Your role needs a second step: set it up to go on.
second-step-wrong = The code is wrong, or was used already.
second-step-late = This took too long, or there were too many wrong codes: begin anew.
second-step-again = Begin anew
