sites-title = Сайты
sites-help = Сайты задаются в конфигурации ролей и меняются там.
sites-none = Пока ничего не архивировано.
sites-articles = Статьи
sites-comments = Комментарии
sites-pending = Ожидают
