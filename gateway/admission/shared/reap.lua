-- Settles the holds of a worker whose lease has run out: what was held counts as spent.
--
-- KEYS: 1 the epoch, 2 workers, 3 how far they are, 4 its holds, 5 what is settled for it, then moneys and slots of each hold.
-- ARGV: 1 the epoch, 2 the worker, 3 seconds that it is remembered what was settled, 4 MessagePack of
-- {id, number of moneys, number of slots} per hold, 5 'own' if the worker itself gives back holds of requests that it does not
-- know: they cost nothing. Answers how many holds are left, -1 if the worker lives.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
local is_own = ARGV[5] == 'own'
local clock = redis.call('TIME')
local ends = tonumber(redis.call('HGET', KEYS[2], ARGV[2]) or 0)
if not is_own and ends > clock[1] * 1000000 + clock[2] then return -1 end
local place = 5
for _, hold in ipairs(cmsgpack.unpack(ARGV[4])) do
  local value = redis.call('HGET', KEYS[4], hold[1])
  if value then
    local cost = string.match(value, '^(%d+)|')
    for index = place + 1, place + hold[2] do
      if cost ~= '0' then redis.call('HINCRBY', KEYS[index], 'h', '-' .. cost) end
      if not is_own then redis.call('HINCRBY', KEYS[index], 's', cost) end
    end
    for index = place + hold[2] + 1, place + hold[2] + hold[3] do
      if tonumber(redis.call('GET', KEYS[index]) or 0) > 0 then redis.call('INCRBY', KEYS[index], -1) end
    end
    redis.call('HDEL', KEYS[4], hold[1])
    if not is_own then
      redis.call('HSET', KEYS[5], hold[1], value)
      redis.call('EXPIRE', KEYS[5], ARGV[3])
    end
  end
  place = place + hold[2] + hold[3]
end
local left = redis.call('HLEN', KEYS[4])
if left == 0 and not is_own then
  redis.call('HDEL', KEYS[2], ARGV[2])
  redis.call('HDEL', KEYS[3], ARGV[2])
end
return left
