second-step-title = Deuxième étape
second-step-none = Vous vous connectez avec votre seul mot de passe.
second-step-on = Vous vous connectez avec votre mot de passe et un code.
second-step-spare = { $n ->
    [one] Il reste { $n } code de secours.
   *[other] Il reste { $n } codes de secours.
}
second-step-how = Une application d’authentification sur votre téléphone montre un nouveau code toutes les 30 secondes. Faites-lui lire cette image, puis tapez le code qu’elle montre.
second-step-picture = Code QR pour une application d’authentification
second-step-type = Ou tapez-y ceci :
second-step-code = Code
second-step-code-or-spare = Code de votre application, ou code de secours
second-step-set-up = Mettre en place
second-step-off = Y renoncer
second-step-codes = Codes de secours
second-step-codes-text = Chacun remplace une fois votre application. Ils ne sont montrés que cette fois : gardez-les là où vous les trouverez sans votre téléphone.
second-step-required = Votre rôle exige une deuxième étape : mettez-la en place pour continuer.
second-step-wrong = Le code est faux, ou a déjà servi.
second-step-late = Cela a duré trop longtemps, ou il y a eu trop de codes faux : recommencez.
second-step-again = Recommencer
