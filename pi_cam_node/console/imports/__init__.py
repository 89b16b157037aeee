"""Import of camera lists of other systems: go2rtc, Frigate and motionEye."""
