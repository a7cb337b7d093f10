-- Sets moneys that are not counted yet, from what the database says.
--
-- KEYS: 1 the epoch, then per money its key and those of the markers of its adjustments.
-- ARGV: 1 the epoch, 2 seconds that counters are kept, 3 seconds that markers are kept, 4 MessagePack of
-- {nanos, adjustment ids, added} per money: the ids are contained in the nanos; `added` is what the caller charged since.
-- Nanos are texts: a number of Lua is exact up to 2^53 only.
local epoch = redis.call('GET', KEYS[1])
if epoch ~= ARGV[1] then return 0 end
local place = 1
for _, seed in ipairs(cmsgpack.unpack(ARGV[4])) do
  place = place + 1
  local money = KEYS[place]
  local contained = {}
  if redis.call('HSETNX', money, 's', seed[1]) == 1 then
    for index, id in ipairs(seed[2]) do
      contained[id] = true
      redis.call('SET', KEYS[place + index], '1', 'EX', ARGV[3])
    end
    -- Adjustments that were announced before anybody counted this money.
    local fields = redis.call('HGETALL', money)
    for index = 1, #fields, 2 do
      local id = string.match(fields[index], '^p:(.+)$')
      if id then
        if not contained[id] then redis.call('HINCRBY', money, 's', fields[index + 1]) end
        redis.call('HDEL', money, fields[index])
      end
    end
    redis.call('EXPIRE', money, ARGV[2])
  end
  if seed[3] ~= '0' then redis.call('HINCRBY', money, 's', seed[3]) end
  place = place + #seed[2]
end
return 1
