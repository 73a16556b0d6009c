# То, что говорят несколько страниц.
common-skip = К содержанию
common-console = Консоль
common-sign-out = Выйти
common-close = Закрыть
common-save = Сохранить
common-to-queue = К очереди
common-erased = Текст удалён.
common-all = все
common-yes = да
common-reported = { $n ->
    [one] { $n } жалоба
    [few] { $n } жалобы
   *[many] { $n } жалоб
}
common-with = у { $name }
common-until = до { $time }
common-blur = Размывать тексты
common-from = С
common-to = По
common-show = Показать
common-nothing = Здесь ничего нет.
common-bad-day = День пишется так: 2026-11-24.

# Навигация.
nav-queue = Очередь
nav-rules = Правила
nav-lists = Списки
nav-insights = Показатели
nav-tokens = Токены
nav-search = Поиск
nav-decisions = Решения
nav-appeals = Обжалования
nav-texts = Тексты
nav-transparency = Прозрачность
nav-audit = Аудит
nav-parked = Отложенное
nav-rejections = Отклонённое
nav-webhooks = Вебхуки
nav-sites = Сайты
nav-users = Учётные записи
nav-results = Итоги
nav-rulebook = Свод правил
nav-operation = Система
nav-management = Управление

# Список клавиш.
keys-title = Клавиши
keys-enter = Ввод
keys-digit = и цифра
keys-move = следующее, предыдущее дело в очереди
keys-open = открыть дело
keys-work = взять дело в работу
keys-approve = одобрить
keys-reject = отклонить по причине с этим номером
keys-back = назад к очереди
keys-blur = размыть тексты или показать их
keys-list = этот список

# Давность.
age-now = только что
age-minutes = { $n ->
    [one] { $n } минуту назад
    [few] { $n } минуты назад
   *[many] { $n } минут назад
}
age-hours = { $n ->
    [one] { $n } час назад
    [few] { $n } часа назад
   *[many] { $n } часов назад
}
age-days = { $n ->
    [one] { $n } день назад
    [few] { $n } дня назад
   *[many] { $n } дней назад
}

# Что только что сделано.
done-approve = Предыдущий комментарий одобрен.
done-reject = Предыдущий комментарий отклонён.
done-undo = Решение отменено, дело снова открыто.
done-undo-button = Отменить
done-look = Посмотреть

# Коды системы.
verdict-approve = одобрено
verdict-hold = задержано
verdict-reject = отклонено
opening-rules = задержано правилами
opening-reported = жалобы читателей
opening-appeal = обжаловано автором
status-open = открыто
status-closed = закрыто
status-unknown = неизвестно
status-pending = ожидает
status-approved = одобрено
status-rejected = отклонено
status-withdrawn = отозвано автором
status-published = опубликовано
status-removed = снято
status-hidden = скрыто
status-not_captured = не сохранён
role-viewer = наблюдатель
role-moderator = модератор
role-editor = редактор правил
role-auditor = аудитор
role-admin = администратор
ground-terms = правила сайта
ground-legal = закон
mode-live = действует
mode-shadow = на пробу
sanction-warn = предупреждение
sanction-premoderate = проверка до публикации
sanction-suspend = временная блокировка
sanction-ban = блокировка
sanction-lift = снято
reason-insult = Оскорбление
reason-hate = Ненависть
reason-hate_speech = Язык вражды
reason-threat = Угроза
reason-harassment = Травля
reason-privacy = Частная жизнь
reason-misinformation = Ложные сведения
reason-spam = Спам
reason-off_topic = Не по теме
report-offensive = оскорбительно
report-spam = спам
report-harassment = травля
report-hate = ненависть
report-illegal = противозаконно
report-misinformation = ложные сведения
report-off_topic = не по теме
report-other = другое

# Что другая часть системы отвечает вместо запрошенного.
problem-case_closed = Дело уже закрыто.
problem-version_conflict = Дело изменилось с тех пор, как вы его видели. Ниже — его нынешнее состояние.
problem-erased = Текст комментария удалён.
problem-claimed = С этим делом работает кто-то другой.
problem-too_many_notes = У дела уже столько заметок, сколько можно ({ $limit }).
problem-not_by_moderator = Это решение приняли правила: вынесите решение по самому делу.
problem-superseded = Уже действует другое решение.
problem-case_open = Дело снова открыто: вынесите решение.
problem-withdrawn = Автор отозвал комментарий.
problem-too_late = Решения можно отменять лишь некоторое время ({ $limit }), и оно прошло.
problem-same_moderator = Автор обжалует ваше собственное решение: решать должен другой модератор.
problem-appeal_closed = По этому обжалованию больше нечего решать.
problem-precondition_failed = Кто-то изменил это после того, как вы это видели. Введённое вами сохранено ниже; обновите страницу, чтобы увидеть чужие изменения.
problem-undo_off = Здесь решения отменить нельзя.
problem-rules_changed = Правила тем временем изменил кто-то другой: посмотрите их и попробуйте ещё раз.
problem-backtest_running = Идёт другая проверка на прошлом: дождитесь её конца.
problem-no_such_term = Слова, которое нужно удалить, уже нет в списке.

# Что не получилось.
fault-not-found = Здесь ничего нет
fault-not-found-text = По этому адресу ничего нет, или оно вам недоступно.
fault-method = Не так
fault-method-text = Этот адрес так не используется.
fault-signed-out = Вы вышли
fault-signed-out-text = Вы вышли из системы.
fault-not-done = Не сделано
fault-forged-text = Ничего не сделано: форма пришла не с открытой страницы консоли. Загрузите страницу заново и повторите действие.
fault-too-large = Слишком длинно
fault-too-large-text = Размер формы — не более 64 КиБ.
fault-forbidden = Не разрешено
fault-forbidden-text = Вам это не разрешено: нужна другая роль или другие сайты.
fault-role-text = Для этого нужна роль «{ $role }».
fault-unavailable = Нет ответа
fault-unavailable-text = Часть системы сейчас не отвечает. Ничего не потеряно; попробуйте немного позже.
fault-internal = Ошибка
fault-internal-text = Что-то сломалось; причина записана в журнале работы.

# Keys, what was done, and categories of the Transparency Database.
keys-undo = отменить только что сделанное
keys-pick = отметить дело в очереди, с Shift — все от последнего
done-measure = Мера действует.
category-animal_welfare = благополучие животных
category-consumer_information = информирование потребителей
category-cyber_violence = кибернасилие
category-cyber_violence_against_women = кибернасилие против женщин
category-data_protection_and_privacy_violations = защита данных и частной жизни
category-illegal_or_harmful_speech = незаконные или вредоносные высказывания
category-intellectual_property_infringements = интеллектуальная собственность
category-negative_effects_on_civic_discourse_or_elections = общественная дискуссия или выборы
category-other_violation_tc = иное нарушение условий
category-protection_of_minors = защита несовершеннолетних
category-risk_for_public_security = угроза общественной безопасности
category-scams_and_fraud = мошенничество
category-self_harm = самоповреждение
category-unsafe_and_prohibited_products = опасные и запрещённые товары
category-violence = насилие
