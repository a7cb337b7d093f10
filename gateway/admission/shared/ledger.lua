-- Runs the steps of the requests of one turn of a worker's event loop.
--
-- KEYS: 1 the epoch, 2 the worker's holds, 3 what others have settled for it; then those of every step: moneys, windows of
-- requests, windows of tokens, slots.
-- ARGV: 1 the epoch that the worker knows, 2 MessagePack of {parts, steps} (see steps.py), 3 seconds that counters are kept. A part is
-- {offset of its keys, static}; several steps may have the same part.
-- Answers {-1, epoch} where the epoch is another one, else one answer per step: {code, values}.
--
-- moneys: hash s (settled), h (held). windows: hash n (count), b (began), e (ends); microseconds of this server. Values: settled
-- and held of every money; count, begin and end of every window, -1 for one that was not looked at; used slots; the time.

local call = redis.call
local OK, REFUSED, MISSING, GONE = 0, 1, 2, 3
local TAKE, SETTLE, RELEASE, EXTEND, REGISTER, READ = 1, 2, 3, 4, 5, 6

local epoch = call('GET', KEYS[1])
if epoch ~= ARGV[1] then return cmsgpack.pack({-1, epoch or ''}) end
local holds, reaped = KEYS[2], KEYS[3]
local clock = call('TIME')
local now = clock[1] * 1000000 + clock[2]

-- A whole number: what Lua writes as 1e+15 Redis does not read.
local function whole(number) return string.format('%.0f', number) end

local function layout_of(part)
  local static = part[2]
  return {
    offset = part[1], moneys = static[1], budgets = static[2], requests = static[3], tokens = static[4], limits = static[5],
    payload = static[6], windows = #static[3] + #static[4], slots = #static[5],
  }
end

local request = cmsgpack.unpack(ARGV[2])
local layouts = {}
for index, part in ipairs(request[1]) do layouts[index] = layout_of(part) end

local function read_moneys(layout, offset, found)
  local missing = {}
  for index = 1, layout.moneys do
    local money = call('HMGET', KEYS[offset + index], 's', 'h')
    if not money[1] then missing[#missing + 1] = index end
    found[index * 2 - 1] = tonumber(money[1] or 0)
    found[index * 2] = tonumber(money[2] or 0)
  end
  return missing
end

local function read_window(key, found)
  local window = call('HMGET', key, 'n', 'b', 'e')
  local ends, size = tonumber(window[3] or 0), #found
  if ends > now then
    found[size + 1], found[size + 2], found[size + 3] = tonumber(window[1]), tonumber(window[2]), ends
  else
    found[size + 1], found[size + 2], found[size + 3] = 0, 0, 0
  end
end

local function read_rest(layout, offset, found)
  local place = offset + layout.moneys
  for index = 1, layout.windows do read_window(KEYS[place + index], found) end
  place = place + layout.windows
  for index = 1, layout.slots do found[#found + 1] = tonumber(call('GET', KEYS[place + index]) or 0) end
  found[#found + 1] = now
end

local function is_over(layout, found, check)
  if check < 0 then return false end
  for _, budget in ipairs(layout.budgets) do
    local used = found[budget[1] * 2 - 1] + found[budget[1] * 2]
    if used >= budget[2] or used + check > budget[2] then return true end
  end
  return false
end

local function is_full(layout, found)
  local place = layout.moneys * 2
  for _, limits in ipairs({layout.requests, layout.tokens}) do
    for _, limit in ipairs(limits) do
      if found[place + 1] >= limit[1] and (found[place + 3] > 0 or limit[1] <= 0) then return true end
      place = place + 3
    end
  end
  for index, limit in ipairs(layout.limits) do
    if found[place + index] >= limit then return true end
  end
  return false
end

local function hold(layout, offset, found, id, cost)
  local more = whole(cost)
  for index = 1, layout.moneys do
    found[index * 2] = tonumber(call('HINCRBY', KEYS[offset + index], 'h', more))
  end
  call('HSET', holds, id, more .. '|' .. layout.payload)
end

local function count(key, milliseconds, amount, found, place)
  if found[place + 3] == 0 then
    local ends = now + milliseconds * 1000
    call('HSET', key, 'n', whole(amount), 'b', whole(now), 'e', whole(ends))
    call('PEXPIRE', key, milliseconds)
    found[place + 1], found[place + 2], found[place + 3] = amount, now, ends
  else
    found[place + 1] = tonumber(call('HINCRBY', key, 'n', whole(amount)))
  end
end

local function count_all(layout, offset, found, amounts)
  local key, place = offset + layout.moneys, layout.moneys * 2
  for _, limit in ipairs(layout.requests) do
    key = key + 1
    count(KEYS[key], limit[2], 1, found, place)
    place = place + 3
  end
  for _, limit in ipairs(layout.tokens) do
    key = key + 1
    count(KEYS[key], limit[2], amounts[limit[3] + 1], found, place)
    place = place + 3
  end
end

local function use_slots(layout, offset, found)
  local key, place = offset + layout.moneys + layout.windows, layout.moneys * 2 + layout.windows * 3
  for index = 1, layout.slots do found[place + index] = tonumber(call('INCR', KEYS[key + index])) end
end

-- Counters that are in use do not expire; which are, a worker tells once in a while.
local function keep(layout, offset)
  for key = offset + 1, offset + layout.moneys do call('EXPIRE', KEYS[key], ARGV[3]) end
  local first = offset + layout.moneys + layout.windows
  for key = first + 1, first + layout.slots do call('EXPIRE', KEYS[key], ARGV[3]) end
end

-- step: TAKE, part, id, cost, tokens, check (-1: budgets do not matter), keeps
local function take(step)
  local layout, found = layouts[step[2]], {}
  local offset = layout.offset
  local missing = read_moneys(layout, offset, found)
  if #missing > 0 then return {MISSING, missing} end
  read_rest(layout, offset, found)
  if call('HEXISTS', holds, step[3]) == 1 then return {OK, found} end
  if is_over(layout, found, step[6]) or is_full(layout, found) then return {REFUSED, found} end
  hold(layout, offset, found, step[3], step[4])
  count_all(layout, offset, found, step[5])
  use_slots(layout, offset, found)
  if step[7] then keep(layout, offset) end
  return {OK, found}
end

-- A hold that was taken elsewhere, or in another epoch: it counts, whatever the limits are.
local function register(step)
  local layout, found = layouts[step[2]], {}
  local offset = layout.offset
  if call('HEXISTS', holds, step[3]) == 1 then return {OK, {}} end
  local missing = read_moneys(layout, offset, found)
  if #missing > 0 then return {MISSING, missing} end
  hold(layout, offset, found, step[3], step[4])
  use_slots(layout, offset, found)
  keep(layout, offset)
  return {OK, {}}
end

local function settle_moneys(layout, offset, found, held, cost)
  local less, more = whole(-held), whole(cost)
  for index = 1, layout.moneys do
    local key = KEYS[offset + index]
    if cost ~= 0 then found[index * 2 - 1] = tonumber(call('HINCRBY', key, 's', more)) end
    if held ~= 0 then found[index * 2] = tonumber(call('HINCRBY', key, 'h', less)) end
  end
end

local function correct_windows(layout, offset, found, amounts, began)
  local key = offset + layout.moneys
  for index = 1, layout.windows do
    if amounts[index] and amounts[index] ~= 0 then
      read_window(KEYS[key + index], found)
      if found[#found - 1] ~= 0 and found[#found - 1] == began[index] then
        found[#found - 2] = tonumber(call('HINCRBY', KEYS[key + index], 'n', whole(amounts[index])))
      end
    else
      for _ = 1, 3 do found[#found + 1] = -1 end
    end
  end
end

local function free_slots(layout, offset, found)
  local key = offset + layout.moneys + layout.windows
  for index = 1, layout.slots do
    local used = tonumber(call('DECR', KEYS[key + index]))
    -- What has expired was not in use.
    if used < 0 then used = tonumber(call('INCR', KEYS[key + index])) end
    found[#found + 1] = used
  end
  found[#found + 1] = now
end

-- step: SETTLE or RELEASE, part, id, cost, amounts by which the windows are corrected, when they began
local function finish(step)
  local layout, found = layouts[step[2]], {}
  local offset = layout.offset
  local value = call('HGET', holds, step[3])
  read_moneys(layout, offset, found)
  if not value then
    -- Another worker has settled this hold, when this one seemed to be dead.
    local charged = call('HGET', reaped, step[3])
    if charged then
      call('HDEL', reaped, step[3])
      settle_moneys(layout, offset, found, 0, step[4] - tonumber(string.match(charged, '^(%d+)|')))
    end
    read_rest(layout, offset, found)
    return {GONE, found}
  end
  call('HDEL', holds, step[3])
  settle_moneys(layout, offset, found, tonumber(string.match(value, '^(%d+)|')), step[4])
  correct_windows(layout, offset, found, step[5], step[6])
  free_slots(layout, offset, found)
  return {OK, found}
end

-- step: EXTEND, part, id, cost, nil, check (-1: budgets do not matter)
local function extend(step)
  local layout, found = layouts[step[2]], {}
  local offset = layout.offset
  local value = call('HGET', holds, step[3])
  read_moneys(layout, offset, found)
  if not value then return {GONE, found} end
  if step[6] >= 0 then
    for _, budget in ipairs(layout.budgets) do
      if found[budget[1] * 2 - 1] + found[budget[1] * 2] + step[4] > budget[2] then return {REFUSED, found} end
    end
  end
  for index = 1, layout.moneys do call('HINCRBY', KEYS[offset + index], 'h', whole(step[4])) end
  call('HSET', holds, step[3], whole(tonumber(string.match(value, '^(%d+)|')) + step[4]) .. '|' .. layout.payload)
  return {OK, found}
end

-- step: READ, part
local function read(step)
  local layout, found = layouts[step[2]], {}
  local offset = layout.offset
  local missing = read_moneys(layout, offset, found)
  if #missing > 0 then return {MISSING, missing} end
  read_rest(layout, offset, found)
  return {OK, found}
end

local steps = {[READ] = read, [TAKE] = take, [SETTLE] = finish, [RELEASE] = finish, [EXTEND] = extend, [REGISTER] = register}
local answers = {}
for index, step in ipairs(request[2]) do answers[index] = steps[step[1]](step) end
return cmsgpack.pack(answers)
