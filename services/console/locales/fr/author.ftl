author-title = Auteur
author-cases = Cas ouverts
author-bulk = Les décider tous à la fois
author-comments = Commentaires
author-names = Noms
author-more-decisions = Toutes les décisions
