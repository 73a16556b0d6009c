# Les listes des règles.
lists-title = Listes
lists-look = Chercher un terme ou un texte
lists-look-button = Chercher
lists-hits = Ce texte correspond à :
lists-no-hits = Ce texte ne correspond à aucune liste.
lists-list = Liste
lists-language = Langue
lists-how = Correspondance
lists-terms = Termes
lists-where = Où
lists-found = Trouvés
lists-count = { $n ->
    [one] { $n } terme
   *[other] { $n } termes
}
lists-remove = Termes à retirer
lists-add = Termes à ajouter, un par ligne, avec options comme « scheiß [prefix] »
lists-save = Enregistrer et mettre en vigueur
lists-inline = Les termes de cette liste sont écrits parmi les règles : modifiez-les là.
lists-back = Vers les listes
