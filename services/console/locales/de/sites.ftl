sites-title = Websites
sites-help = Websites sind Teil der Konfiguration der Rollen und werden dort geändert.
sites-none = Noch wurde nichts archiviert.
sites-articles = Artikel
sites-comments = Kommentare
sites-pending = Wartend
