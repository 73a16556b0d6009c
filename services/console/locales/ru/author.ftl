author-title = Автор
author-cases = Открытые дела
author-bulk = Решить все сразу
author-comments = Комментарии
author-names = Имена
author-more-decisions = Все решения
