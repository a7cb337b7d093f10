-- Applies adjustments of the database to what is counted, each once, however many workers hear of it.
--
-- KEYS: 1 the epoch, then per adjustment the money and its marker.
-- ARGV: 1 the epoch, 2 seconds that counters are kept, 3 seconds that markers are kept, 4 MessagePack of {id, nanos} per adjustment,
-- both texts: a number of Lua is exact up to 2^53 only.
local epoch = redis.call('GET', KEYS[1])
if epoch ~= ARGV[1] then return 0 end
for index, adjustment in ipairs(cmsgpack.unpack(ARGV[4])) do
  local money, marker = KEYS[index * 2], KEYS[index * 2 + 1]
  if redis.call('SET', marker, '1', 'NX', 'EX', ARGV[3]) then
    if redis.call('HEXISTS', money, 's') == 1 then
      redis.call('HINCRBY', money, 's', adjustment[2])
    else
      redis.call('HSET', money, 'p:' .. adjustment[1], adjustment[2])
      redis.call('EXPIRE', money, ARGV[2])
    end
  end
end
return 1
