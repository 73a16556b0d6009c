parked-title = Отложенное
parked-one = Отложенное событие
parked-help = То, что роль не смогла принять, остаётся здесь по порядку вместе со всем, что пришло позже в том же обсуждении.
parked-nothing = Ничего не отложено.
parked-unknown = Эту роль нельзя опросить: она не отвечает, или у консоли нет для неё токена.
parked-attempts = { $n ->
    [0] ещё не пробовали
    [one] { $n } попытка
    [few] { $n } попытки
    [many] { $n } попыток
   *[other] { $n } попытки
}
parked-bytes = { $n ->
    [one] { $n } байт
    [few] { $n } байта
    [many] { $n } байт
   *[other] { $n } байта
}
parked-behind = ждёт после { $n }
parked-reason = Причина
parked-since = Отложено
parked-retry = Попробовать обсуждение снова
parked-bytes-title = Как пришло
parked-base64 = Это не UTF-8, показано в Base64.
parked-drop = Удалить навсегда
parked-why = Почему
parked-confirm = Эта роль никогда его не примет; остальное обсуждение пойдёт дальше.
parked-confirm-first = Ничего не удалено: укажите причину и подтвердите.
outcome-handled = Принято вместе со всем, что ждало следом.
outcome-parked = Снова отказано.
outcome-running = Попытка идёт; загляните позже.
outcome-dropped = Удалено.
