sign-in-title = Sign in
sign-in-name = Name
sign-in-password = Password
sign-in-again = You were signed out, so nothing was done.
sign-in-wrong = The name or the password is wrong.
sign-in-wait = { $n ->
    [one] There were too many attempts: wait for { $n } second.
   *[other] There were too many attempts: wait for { $n } seconds.
}
set-up-title = Set up your account
set-up-as = You sign in as { $name }.
set-up-first = This is the first account, which can make the others.
set-up-id = Name to sign in with
set-up-id-help = Small letters, digits, dots, hyphens, underscores. Decisions name it.
set-up-full-name = Full name
set-up-password = Password
set-up-password-help = 8 to 128 characters; a few words that you remember are best.
set-up-set = Set password
set-up-dead = This link was used, or is over a day old.
set-up-no-name = Give yourself a name to sign in with.
password-length = A password has 8 to 128 characters; a few words that you remember are best.
password-common = This password is among the first that are tried; take another.
password-easy = This password is easy to guess; take one without your name in it.
