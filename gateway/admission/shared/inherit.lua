-- Settles the holds of a worker that is dead for sure by what its journal says: those that it has, and those that were settled for it.
--
-- KEYS: 1 the epoch, 2 workers, 3 how far they are, 4 its holds, 5 what was settled for it, then moneys and slots of each hold.
-- ARGV: 1 the epoch, 2 the worker, 3 MessagePack of {id, number of moneys, number of slots, cost} per hold.
-- Answers 1, 0 in another epoch.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
local function add(first, last, field, amount)
  if amount == 0 then return end
  for index = first, last do redis.call('HINCRBY', KEYS[index], field, string.format('%.0f', amount)) end
end
local place = 5
for _, hold in ipairs(cmsgpack.unpack(ARGV[3])) do
  local first, last = place + 1, place + hold[2]
  local held, reaped = redis.call('HGET', KEYS[4], hold[1]), redis.call('HGET', KEYS[5], hold[1])
  if held then
    add(first, last, 'h', -tonumber(string.match(held, '^(%d+)|')))
    add(first, last, 's', hold[4])
    for index = last + 1, last + hold[3] do
      if tonumber(redis.call('GET', KEYS[index]) or 0) > 0 then redis.call('INCRBY', KEYS[index], -1) end
    end
    redis.call('HDEL', KEYS[4], hold[1])
  elseif reaped then
    add(first, last, 's', hold[4] - tonumber(string.match(reaped, '^(%d+)|')))
    redis.call('HDEL', KEYS[5], hold[1])
  end
  place = last + hold[3]
end
if redis.call('EXISTS', KEYS[4]) == 0 then
  redis.call('HDEL', KEYS[2], ARGV[2])
  redis.call('HDEL', KEYS[3], ARGV[2])
end
return 1
