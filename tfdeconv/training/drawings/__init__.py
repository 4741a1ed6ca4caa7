"""Pictures that nobody photographed: pages of text, line art and maps, drawn by a program.

Screenshots, scans and diagrams are flat areas with hard edges and thin lines, of which photographs hold
few. Everything here is drawn from random numbers and the free fonts that come with Matplotlib.
"""
