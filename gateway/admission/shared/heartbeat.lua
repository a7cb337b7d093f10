-- Says that a worker lives and how far it is, and tells who else does.
--
-- In a new epoch a worker is '' (heard of), then 'flushed' (all it knew is in the database, and stands still); when
-- everybody has been flushed, all of these together are 'counted', so that none can begin without another; in the end
-- it is 'ready'. One that is flushed only when others have been counted stays 'flushed'.
--
-- KEYS: 1 the epoch, 2 workers: when their leases end, 3 how far they are in this epoch.
-- ARGV: 1 worker, 2 milliseconds of its lease, 3 the name of a new epoch, 4 the epoch of its phase, 5 its phase,
-- 6 milliseconds that everybody has to be heard of in a new epoch.
-- Answers MessagePack of {epoch, now, 1 if the epoch has begun, {worker, end, phase, ...}}; microseconds of this server.
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local epoch = redis.call('GET', KEYS[1])
if not epoch then
  epoch = ARGV[3]
  redis.call('SET', KEYS[1], epoch)
  redis.call('DEL', KEYS[2], KEYS[3])
  redis.call('HSET', KEYS[3], '#opened', string.format('%.0f', now))
end
redis.call('HSET', KEYS[2], ARGV[1], string.format('%.0f', now + ARGV[2] * 1000))

local phases = {}
local known = redis.call('HGETALL', KEYS[3])
for index = 1, #known, 2 do phases[known[index]] = known[index + 1] end

local function set(worker, phase)
  phases[worker] = phase
  redis.call('HSET', KEYS[3], worker, phase)
end

local workers = {}
local is_flushed = true
local leases = redis.call('HGETALL', KEYS[2])
if ARGV[4] == epoch and not (ARGV[5] == 'flushed' and phases[ARGV[1]] == 'counted') then set(ARGV[1], ARGV[5]) end
for index = 1, #leases, 2 do
  local is_alive = tonumber(leases[index + 1]) > now
  if is_alive and (phases[leases[index]] or '') == '' then is_flushed = false end
end
local is_gathered = now - tonumber(phases['#opened']) >= ARGV[6] * 1000
if is_gathered and is_flushed and not phases['#begun'] then
  set('#begun', '1')
  for index = 1, #leases, 2 do
    if tonumber(leases[index + 1]) > now then set(leases[index], 'counted') end
  end
end
for index = 1, #leases, 2 do
  workers[#workers + 1] = leases[index]
  workers[#workers + 1] = tonumber(leases[index + 1])
  workers[#workers + 1] = phases[leases[index]] or ''
end
return cmsgpack.pack({epoch, now, phases['#begun'] and 1 or 0, workers})
