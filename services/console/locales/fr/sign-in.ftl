sign-in-title = Se connecter
sign-in-name = Nom
sign-in-password = Mot de passe
sign-in-again = Vous étiez déconnecté ; rien n’a donc été fait.
sign-in-wrong = Le nom ou le mot de passe est faux.
sign-in-wait = { $n ->
    [one] Il y a eu trop d’essais : attendez { $n } seconde.
   *[other] Il y a eu trop d’essais : attendez { $n } secondes.
}
set-up-title = Préparer votre compte
set-up-as = Vous vous connectez sous le nom { $name }.
set-up-first = C’est le premier compte, qui peut créer les autres.
set-up-id = Nom de connexion
set-up-id-help = Minuscules, chiffres, points, traits d’union, tirets bas. Les décisions le citent.
set-up-full-name = Nom complet
set-up-password = Mot de passe
set-up-password-help = 8 à 128 caractères ; le mieux est une suite de mots que vous retenez.
set-up-set = Choisir le mot de passe
set-up-dead = Ce lien a déjà servi, ou date de plus d’un jour.
set-up-no-name = Donnez-vous un nom de connexion.
password-length = Un mot de passe a 8 à 128 caractères ; le mieux est une suite de mots que vous retenez.
password-common = Ce mot de passe est parmi les premiers que l’on essaie ; prenez-en un autre.
password-easy = Ce mot de passe est facile à deviner ; prenez-en un sans votre nom.
