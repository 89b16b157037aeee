"""Hours of the node under faults: does it grow, does it come back, is what it says right in the end?"""
