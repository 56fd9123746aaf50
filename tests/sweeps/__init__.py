"""Kill it, starve it, crowd it, break it: and count what the oracle saw.

python -m tests.sweeps --points 10000 --seed 1 --schedules ok,reset,500,cut,html,null
"""
