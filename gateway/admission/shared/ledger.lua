-- Runs the steps of the requests of one turn of a worker's event loop.
--
-- KEYS: 1 the epoch, 2 the worker's holds, 3 what others have settled for it; then those of every part: moneys, windows of
-- requests, windows of tokens, slots.
-- ARGV: 1 the epoch that the worker knows, 2 MessagePack of {parts, steps} (see steps.py), 3 seconds that counters are kept. A part is
-- {offset of its keys, static}; several steps may have the same part.
-- Answers {-1, epoch} where the epoch is another one, else {answers, parts}: of every step {code}, or {code, values} where it was
-- refused or moneys are missing, and of every part its values after all steps.
--
-- moneys: hash s (settled), h (held). windows: hash n (count), b (began), e (ends); microseconds of this server. Values: settled
-- and held of every money; count, begin and end of every window; used slots; the time. -1 for what
-- was not looked at.
--
-- Each counter is read once, when a step first needs it, and what has changed is written after the last step.

local call = redis.call
local OK, REFUSED, MISSING, GONE = 0, 1, 2, 3
local TAKE, SETTLE, RELEASE, EXTEND, REGISTER, READ = 1, 2, 3, 4, 5, 6

local epoch = call('GET', KEYS[1])
if epoch ~= ARGV[1] then return cmsgpack.pack({-1, epoch or ''}) end
local holds, reaped = KEYS[2], KEYS[3]
local clock = call('TIME')
local now = clock[1] * 1000000 + clock[2]
local request = cmsgpack.unpack(ARGV[2])

-- A whole number: what Lua writes as 1e+15 Redis does not read.
local function whole(number) return string.format('%.0f', number) end

-- Counters. Of two parts that name the same key there is one.

local counters = {}

local function counter_of(place)
  local key = KEYS[place]
  local counter = counters[key]
  if not counter then
    counter = {key = key, more = 0}
    counters[key] = counter
  end
  return counter
end

-- settled and held, and by how much more they are (more, more_held)
local function read_money(money)
  local found = call('HMGET', money.key, 's', 'h')
  money.is_missing = not found[1]
  money.settled, money.held, money.more_held = tonumber(found[1] or 0), tonumber(found[2] or 0), 0
end

local function read_window(window)
  local found = call('HMGET', window.key, 'n', 'b', 'e')
  local ends = tonumber(found[3] or 0)
  if ends > now then
    window.count, window.began, window.ends = tonumber(found[1]), tonumber(found[2]), ends
  else
    window.count, window.began, window.ends = 0, 0, 0
  end
end

local function read_slots(slots) slots.used = tonumber(call('GET', slots.key) or 0) end

local function hold_more(money, nanos)
  money.held, money.more_held = money.held + nanos, money.more_held + nanos
end

local function settle_more(money, nanos)
  money.settled, money.more = money.settled + nanos, money.more + nanos
end

local function count(window, milliseconds, amount)
  if window.ends == 0 then
    window.count, window.began, window.ends, window.opened = amount, now, now + milliseconds * 1000, milliseconds
  else
    window.count, window.more = window.count + amount, window.more + amount
  end
end

local function use(slots, number) slots.used, slots.more = slots.used + number, slots.more + number end

local function write_money(money)
  -- What is missing is seeded from the database when it is next wanted.
  if money.is_missing then return end
  if money.more ~= 0 then call('HINCRBY', money.key, 's', whole(money.more)) end
  if money.more_held ~= 0 then call('HINCRBY', money.key, 'h', whole(money.more_held)) end
end

local function write_window(window)
  if window.opened then
    call('HSET', window.key, 'n', whole(window.count), 'b', whole(window.began), 'e', whole(window.ends))
    call('PEXPIRE', window.key, window.opened)
  elseif window.more ~= 0 then
    call('HINCRBY', window.key, 'n', whole(window.more))
  end
end

local function write_slots(slots)
  if slots.more ~= 0 then call('INCRBY', slots.key, whole(slots.more)) end
end

-- Parts.

local function list_counters(first, number)
  local found = {}
  for index = 1, number do found[index] = counter_of(first + index) end
  return found
end

local parts = {}
for index, sent in ipairs(request[1]) do
  local offset, static = sent[1], sent[2]
  local moneys, requests, tokens, limits = static[1], #static[3], #static[4], static[5]
  parts[index] = {
    moneys = list_counters(offset, moneys), budgets = static[2],
    requests = static[3], tokens = static[4], windows = list_counters(offset + moneys, requests + tokens),
    slots = list_counters(offset + moneys + requests + tokens, #limits), limits = limits, payload = static[6],
  }
end

-- Returns the places of those that nobody counts yet, if any.
local function read_moneys(part)
  local missing
  for index, money in ipairs(part.moneys) do
    if not money.settled then read_money(money) end
    if money.is_missing then
      missing = missing or {}
      missing[#missing + 1] = index
    end
  end
  return missing
end

local function read_slots_of(part)
  for _, slots in ipairs(part.slots) do
    if not slots.used then read_slots(slots) end
  end
end

local function read_rest(part)
  for _, window in ipairs(part.windows) do
    if not window.count then read_window(window) end
  end
  read_slots_of(part)
end

local function values_of(part)
  local found, size = {}, 0
  for _, money in ipairs(part.moneys) do
    if money.settled and not money.is_missing then
      found[size + 1], found[size + 2] = money.settled, money.held
    else
      found[size + 1], found[size + 2] = -1, -1
    end
    size = size + 2
  end
  for _, window in ipairs(part.windows) do
    found[size + 1], found[size + 2], found[size + 3] = window.count or -1, window.began or -1, window.ends or -1
    size = size + 3
  end
  for _, slots in ipairs(part.slots) do
    size = size + 1
    found[size] = slots.used or -1
  end
  found[size + 1] = now
  return found
end

local function is_over(part, check)
  if check < 0 then return false end
  for _, budget in ipairs(part.budgets) do
    local money = part.moneys[budget[1]]
    local used = money.settled + money.held
    if used >= budget[2] or used + check > budget[2] then return true end
  end
  return false
end

local function is_full(part)
  local place = 0
  for _, limits in ipairs({part.requests, part.tokens}) do
    for _, limit in ipairs(limits) do
      place = place + 1
      local window = part.windows[place]
      if window.count >= limit[1] and (window.ends > 0 or limit[1] <= 0) then return true end
    end
  end
  for index, limit in ipairs(part.limits) do
    if part.slots[index].used >= limit then return true end
  end
  return false
end

local function count_all(part, amounts)
  local requests = #part.requests
  for index, limit in ipairs(part.requests) do count(part.windows[index], limit[2], 1) end
  for index, limit in ipairs(part.tokens) do
    count(part.windows[requests + index], limit[2], amounts[limit[3] + 1])
  end
end

-- Holds of this worker, by id: what Redis has, false for none.

local held, changed = {}, {}

local function read_holds()
  local ids = {}
  for index, step in ipairs(request[2]) do ids[index] = step[3] end
  for index, value in ipairs(call('HMGET', holds, unpack(ids))) do held[ids[index]] = value end
end

local function set_hold(id, value) held[id], changed[id] = value, true end

local function hold(part, id, cost)
  for _, money in ipairs(part.moneys) do hold_more(money, cost) end
  set_hold(id, whole(cost) .. '|' .. part.payload)
end

local function nanos_of(value) return tonumber(string.match(value, '^(%d+)|')) end

-- Steps.

-- TAKE, part, id, cost, tokens, check (-1: budgets do not matter), keeps
local function take(step)
  local part = parts[step[2]]
  local missing = read_moneys(part)
  if missing then return {MISSING, missing} end
  read_rest(part)
  if held[step[3]] then return {OK} end
  if is_over(part, step[6]) or is_full(part) then return {REFUSED, values_of(part)} end
  hold(part, step[3], step[4])
  count_all(part, step[5])
  for _, slots in ipairs(part.slots) do use(slots, 1) end
  part.is_kept = part.is_kept or step[7]
  return {OK}
end

-- A hold that was taken elsewhere, or in another epoch: it counts, whatever the limits are.
local function register(step)
  local part = parts[step[2]]
  if held[step[3]] then return {OK} end
  local missing = read_moneys(part)
  if missing then return {MISSING, missing} end
  read_slots_of(part)
  hold(part, step[3], step[4])
  for _, slots in ipairs(part.slots) do use(slots, 1) end
  part.is_kept = true
  return {OK}
end

local function settle_moneys(part, held_nanos, cost)
  for _, money in ipairs(part.moneys) do
    settle_more(money, cost)
    hold_more(money, -held_nanos)
  end
end

local function correct_windows(part, amounts, began)
  for index, window in ipairs(part.windows) do
    local amount = amounts[index]
    if amount and amount ~= 0 then
      if not window.count then read_window(window) end
      if window.ends ~= 0 and window.began == began[index] then count(window, 0, amount) end
    end
  end
end

-- SETTLE or RELEASE, part, id, cost, amounts by which the windows are corrected, when they began
local function finish(step)
  local part, value = parts[step[2]], held[step[3]]
  read_moneys(part)
  if not value then
    -- Another worker has settled this hold, when this one seemed to be dead.
    local charged = call('HGET', reaped, step[3])
    if charged then
      call('HDEL', reaped, step[3])
      settle_moneys(part, 0, step[4] - nanos_of(charged))
    end
    read_rest(part)
    return {GONE}
  end
  set_hold(step[3], false)
  settle_moneys(part, nanos_of(value), step[4])
  correct_windows(part, step[5], step[6])
  for _, slots in ipairs(part.slots) do
    if not slots.used then read_slots(slots) end
    -- What has expired was not in use.
    if slots.used > 0 then use(slots, -1) end
  end
  return {OK}
end

-- EXTEND, part, id, cost, nil, check (-1: budgets do not matter)
local function extend(step)
  local part, value = parts[step[2]], held[step[3]]
  read_moneys(part)
  if not value then return {GONE} end
  if step[6] >= 0 then
    for _, budget in ipairs(part.budgets) do
      local money = part.moneys[budget[1]]
      if money.settled + money.held + step[4] > budget[2] then return {REFUSED, values_of(part)} end
    end
  end
  for _, money in ipairs(part.moneys) do hold_more(money, step[4]) end
  set_hold(step[3], whole(nanos_of(value) + step[4]) .. '|' .. part.payload)
  return {OK}
end

-- READ, part
local function read(step)
  local part = parts[step[2]]
  local missing = read_moneys(part)
  if missing then return {MISSING, missing} end
  read_rest(part)
  return {OK}
end

-- What is written.

local function write_holds()
  local set, ended = {}, {}
  for id in pairs(changed) do
    if held[id] then
      set[#set + 1], set[#set + 2] = id, held[id]
    else
      ended[#ended + 1] = id
    end
  end
  if #set > 0 then call('HSET', holds, unpack(set)) end
  if #ended > 0 then call('HDEL', holds, unpack(ended)) end
end

-- Counters that are in use do not expire; which are, a worker tells once in a while.
local function keep(part)
  for _, money in ipairs(part.moneys) do call('EXPIRE', money.key, ARGV[3]) end
  for _, slots in ipairs(part.slots) do call('EXPIRE', slots.key, ARGV[3]) end
end

local written = {}

local function write(list, write_one)
  for _, counter in ipairs(list) do
    if not written[counter] then
      written[counter] = true
      write_one(counter)
    end
  end
end

read_holds()
local steps = {[READ] = read, [TAKE] = take, [SETTLE] = finish, [RELEASE] = finish, [EXTEND] = extend, [REGISTER] = register}
local answers, values = {}, {}
for index, step in ipairs(request[2]) do answers[index] = steps[step[1]](step) end
write_holds()
for index, part in ipairs(parts) do
  values[index] = values_of(part)
  write(part.moneys, function(money) if money.settled then write_money(money) end end)
  write(part.windows, function(window) if window.count then write_window(window) end end)
  write(part.slots, function(slots) if slots.used then write_slots(slots) end end)
  if part.is_kept then keep(part) end
end
return cmsgpack.pack({answers, values})
