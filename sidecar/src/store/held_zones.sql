-- The time zones of the leads that these agents alone may have: $1 campaign, $2 agents.
--
-- Plan: a walk over leads_held, one descent for each agent and zone.
WITH RECURSIVE found AS (
  (SELECT a.agent, first.time_zone
   FROM unnest($2::bigint[]) AS a (agent) CROSS JOIN LATERAL (
     SELECT l.time_zone FROM outdial.leads l
     WHERE l.status = 'ready' AND l.campaign_id = $1::bigint AND l.holder = a.agent
     ORDER BY l.time_zone LIMIT 1) first)
  UNION ALL
  SELECT f.agent, following.time_zone
  FROM found f CROSS JOIN LATERAL (
    SELECT l.time_zone FROM outdial.leads l
    WHERE l.status = 'ready' AND l.campaign_id = $1::bigint AND l.holder = f.agent
      AND l.time_zone > f.time_zone
    ORDER BY l.time_zone LIMIT 1) following
)
SELECT DISTINCT time_zone FROM found
